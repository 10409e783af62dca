import { randomUUID } from 'node:crypto'
import { bigintArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  insertCallbacks,
  type NewCallback,
} from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { Delivery, Verdict } from '@caudal/simulator-kit/plan-outcome.ts'

/** A verdict to store if its payment has none yet. */
export interface NewVerdict {
  paymentId: string
  fingerprint: string
  verdict: Verdict
  gatewayTransactionId: string | null
  amountMinor: bigint
  currency: string
  sourceAccountNumber: string
  destinationAccountNumber: string
  destinationBankCode: string
}

/** A row of the request log. */
export interface LoggedRequest {
  paymentId: string
  destinationAccountNumber: string
  behaviour: string
  delivery: Delivery
}

/** What the verdicts that are new lead to. */
export interface VerdictEffects {
  effects: readonly NewCallback[]
  /** Approvals that the bank takes back at once. */
  reversed: readonly NewVerdict[]
}

const NOTHING = sql``
const IS_NEW = sql`subject_id IN (SELECT payment_id FROM recorded)`

/**
 * Stores the requests, the verdicts and their effects in one statement, so that all are durable
 * before any response. `verdicts` has each payment at most once, sorted by id. Returns how many
 * were new; others have no effects.
 */
export async function recordBatch(
  db: Db,
  requests: readonly LoggedRequest[],
  verdicts: readonly NewVerdict[],
  { effects, reversed }: VerdictEffects,
): Promise<number> {
  const reports =
    effects.length === 0 ? NOTHING : sql`, reported AS (${insertCallbacks(effects, IS_NEW)})`
  const reversals =
    reversed.length === 0 ? NOTHING : sql`, reversals AS (${insertReversals(reversed)})`
  // A payment that has a verdict keeps it: DO NOTHING ensures that a repeated key moves no money.
  const statement = sql`
    WITH logged AS (
      INSERT INTO requests (payment_id, destination_account_number, behaviour, delivery)
      SELECT * FROM unnest(
        ${uuidArray(requests, (request) => request.paymentId)}::uuid[],
        ${textArray(requests, (request) => request.destinationAccountNumber)}::text[],
        ${textArray(requests, (request) => request.behaviour)}::text[],
        ${textArray(requests, (request) => request.delivery)}::text[]
      )
    ), recorded AS (
      INSERT INTO payments (
        payment_id, fingerprint, verdict, gateway_transaction_id, amount_minor, currency,
        source_account_number, destination_account_number, destination_bank_code
      )
      SELECT payment_id, decode(fingerprint, 'hex'), verdict, transaction_id, amount_minor,
        currency, source, destination, bank_code
      FROM unnest(
        ${uuidArray(verdicts, (verdict) => verdict.paymentId)}::uuid[],
        ${textArray(verdicts, (verdict) => verdict.fingerprint)}::text[],
        ${textArray(verdicts, (verdict) => verdict.verdict)}::text[],
        ${uuidArray(verdicts, (verdict) => verdict.gatewayTransactionId)}::uuid[],
        ${bigintArray(verdicts, (verdict) => verdict.amountMinor)}::bigint[],
        ${textArray(verdicts, (verdict) => verdict.currency)}::text[],
        ${textArray(verdicts, (verdict) => verdict.sourceAccountNumber)}::text[],
        ${textArray(verdicts, (verdict) => verdict.destinationAccountNumber)}::text[],
        ${textArray(verdicts, (verdict) => verdict.destinationBankCode)}::text[]
      ) AS input (
        payment_id, fingerprint, verdict, transaction_id, amount_minor, currency, source,
        destination, bank_code
      )
      ON CONFLICT (payment_id) DO NOTHING
      RETURNING payment_id
    )${reports}${reversals}
    SELECT count(*)::integer AS recorded FROM recorded`
  const name = effects.length === 0 ? 'record-batch' : 'record-batch-with-callbacks'
  const { rows } = await db.query<{ recorded: number }>(
    reversed.length === 0 ? named(name, statement) : statement,
  )
  return rows[0]?.recorded ?? 0
}

/** The whole amount comes back. The payment is new, so nothing else of it has. */
function insertReversals(reversed: readonly NewVerdict[]): Sql {
  return sql`
    INSERT INTO movements (
      kind, movement_id, payment_id, fingerprint, verdict, gateway_movement_id, amount_minor,
      currency
    )
    SELECT 'reversal', movement_id, payment_id, '', 'approved', movement_id, amount_minor, currency
    FROM unnest(
      ${uuidArray(reversed, () => randomUUID())}::uuid[],
      ${uuidArray(reversed, (verdict) => verdict.paymentId)}::uuid[],
      ${bigintArray(reversed, (verdict) => verdict.amountMinor)}::bigint[],
      ${textArray(reversed, (verdict) => verdict.currency)}::text[]
    ) AS input (movement_id, payment_id, amount_minor, currency)
    WHERE payment_id IN (SELECT payment_id FROM recorded)`
}
