import { bigintArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Transfer } from '../domain/transfer.ts'

/** A transfer to store. */
export interface NewTransfer extends Transfer {
  /** null: made at the bank's console. */
  key: string | null
  fingerprint: string
  behaviour: string
  /** Milliseconds until the bank settles it. */
  settleMs: number
}

/** Stores transfers in their order; those in a final state end now. */
export async function insertTransfers(tx: Tx, transfers: readonly NewTransfer[]): Promise<void> {
  await tx.query(sql`
    INSERT INTO transfers (
      transfer_id, ref, request_key, fingerprint, kind, state, amount_minor,
      charges_minor, currency, account_number, original_id, code, behaviour, settle_at, final_at
    )
    SELECT id, ref, request_key, decode(fingerprint, 'hex'), kind, state, amount_minor,
      charges_minor, currency, account_number, original_id, code, behaviour,
      now() + settle_ms * interval '1 millisecond',
      CASE WHEN state <> 'received' THEN now() END
    FROM unnest(
      ${textArray(transfers, (transfer) => transfer.transferId)}::text[],
      ${uuidArray(transfers, (transfer) => transfer.ref)}::uuid[],
      ${uuidArray(transfers, (transfer) => transfer.key)}::uuid[],
      ${textArray(transfers, (transfer) => transfer.fingerprint)}::text[],
      ${textArray(transfers, (transfer) => transfer.kind)}::text[],
      ${textArray(transfers, (transfer) => transfer.state)}::text[],
      ${bigintArray(transfers, (transfer) => transfer.amountMinor)}::bigint[],
      ${bigintArray(transfers, (transfer) => transfer.chargesMinor)}::bigint[],
      ${textArray(transfers, (transfer) => transfer.currency)}::text[],
      ${textArray(transfers, (transfer) => transfer.accountNumber)}::text[],
      ${textArray(transfers, (transfer) => transfer.originalId)}::text[],
      ${textArray(transfers, (transfer) => transfer.code)}::text[],
      ${textArray(transfers, (transfer) => transfer.behaviour)}::text[],
      ${bigintArray(transfers, (transfer) => transfer.settleMs)}::bigint[]
    ) WITH ORDINALITY AS input (
      id, ref, request_key, fingerprint, kind, state, amount_minor, charges_minor, currency,
      account_number, original_id, code, behaviour, settle_ms, place
    )
    ORDER BY place`)
}
