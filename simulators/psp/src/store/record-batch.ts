import { bigintArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Delivery, Verdict } from '../domain/plan-outcome.ts'

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

/**
 * Stores the requests and the verdicts in one statement, so that both are durable before any
 * response. `verdicts` has each payment at most once, sorted by id. Returns how many were new.
 */
export async function recordBatch(
  db: Db,
  requests: readonly LoggedRequest[],
  verdicts: readonly NewVerdict[],
): Promise<number> {
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
    )
    SELECT count(*)::integer AS recorded FROM recorded`
  const { rows } = await db.query<{ recorded: number }>(named('record-batch', statement))
  return rows[0]?.recorded ?? 0
}
