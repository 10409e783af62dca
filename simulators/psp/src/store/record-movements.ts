import { bigintArray, intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import {
  insertCallbacks,
  type NewCallback,
} from '@caudal/simulator-kit/callbacks/callback-table.ts'
import { type LoggedOperation, logOperations } from '@caudal/simulator-kit/operation-requests.ts'
import type { FoundMovement } from './find-movements.ts'

/** A movement to store. */
export interface NewMovement extends FoundMovement {
  reason: string | null
  chargesMinor: bigint
  /** Where a payout goes. */
  accountNumber: string | null
  /** The bank took the approval back at once. */
  reversed: boolean
}

/** Stores the requests, the verdicts and their callbacks, before any response. */
export async function recordMovements(
  tx: Tx,
  requests: readonly LoggedOperation[],
  movements: readonly NewMovement[],
  callbacks: readonly NewCallback[],
): Promise<void> {
  await logOperations(tx, requests)
  if (movements.length > 0) await insertMovements(tx, movements)
  if (callbacks.length > 0) await tx.query(insertCallbacks(callbacks))
}

async function insertMovements(tx: Tx, movements: readonly NewMovement[]): Promise<void> {
  await tx.query(sql`
    INSERT INTO movements (
      kind, movement_id, generation, payment_id, fingerprint, verdict, error_code,
      gateway_movement_id, amount_minor, currency, reason, reversed_at, account_number,
      charges_minor
    )
    SELECT kind, movement_id, generation, payment_id, decode(fingerprint, 'hex'), verdict,
      error_code, gateway_id, nullif(amount_minor, 0), currency, reason,
      CASE WHEN reversed = 1 THEN now() END, account_number, charges_minor
    FROM unnest(
      ${textArray(movements, (movement) => movement.kind)}::text[],
      ${uuidArray(movements, (movement) => movement.movementId)}::uuid[],
      ${intArray(movements, (movement) => movement.generation)}::integer[],
      ${uuidArray(movements, (movement) => movement.paymentId)}::uuid[],
      ${textArray(movements, (movement) => movement.fingerprint)}::text[],
      ${textArray(movements, (movement) => movement.verdict)}::text[],
      ${textArray(movements, (movement) => movement.errorCode)}::text[],
      ${uuidArray(movements, (movement) => movement.gatewayMovementId)}::uuid[],
      ${bigintArray(movements, (movement) => movement.amountMinor ?? 0n)}::bigint[],
      ${textArray(movements, (movement) => movement.currency)}::text[],
      ${textArray(movements, (movement) => movement.reason)}::text[],
      ${intArray(movements, (movement) => (movement.reversed ? 1 : 0))}::integer[],
      ${textArray(movements, (movement) => movement.accountNumber)}::text[],
      ${bigintArray(movements, (movement) => movement.chargesMinor)}::bigint[]
    ) WITH ORDINALITY AS input (
      kind, movement_id, generation, payment_id, fingerprint, verdict, error_code, gateway_id,
      amount_minor, currency, reason, reversed, account_number,
      charges_minor, place
    )
    ORDER BY place`)
}
