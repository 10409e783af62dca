import { bigintArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Delivery, Verdict } from '../domain/plan-outcome.ts'

/** A verdict to be entered if its payment has none yet. */
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

/** A line of the log of requests. */
export interface LoggedRequest {
  paymentId: string
  destinationAccountNumber: string
  behaviour: string
  delivery: Delivery
}

// A payment that has a verdict keeps it: DO NOTHING is what makes a repeated key move no money.
const BOOK_BATCH = `
  WITH logged AS (
    INSERT INTO requests (payment_id, destination_account_number, behaviour, delivery)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
  ), booked AS (
    INSERT INTO payments (
      payment_id, fingerprint, verdict, gateway_transaction_id, amount_minor, currency,
      source_account_number, destination_account_number, destination_bank_code
    )
    SELECT payment_id, decode(fingerprint, 'hex'), verdict, transaction_id, amount_minor, currency,
      source, destination, bank_code
    FROM unnest(
      $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::bigint[], $10::text[], $11::text[],
      $12::text[], $13::text[]
    ) AS input (
      payment_id, fingerprint, verdict, transaction_id, amount_minor, currency, source,
      destination, bank_code
    )
    ON CONFLICT (payment_id) DO NOTHING
    RETURNING payment_id
  )
  SELECT count(*)::integer AS booked FROM booked`

/**
 * Logs the requests and enters the verdicts in one statement, so that both are durable before
 * anything is answered. Verdicts name each payment once, in the order of their ids. Returns how
 * many of them were new.
 */
export async function bookBatch(
  db: Db,
  requests: readonly LoggedRequest[],
  verdicts: readonly NewVerdict[],
): Promise<number> {
  const { rows } = await db.query<{ booked: number }>({
    name: 'book-batch',
    text: BOOK_BATCH,
    values: [
      uuidArray(requests, (request) => request.paymentId),
      textArray(requests, (request) => request.destinationAccountNumber),
      textArray(requests, (request) => request.behaviour),
      textArray(requests, (request) => request.delivery),
      uuidArray(verdicts, (verdict) => verdict.paymentId),
      textArray(verdicts, (verdict) => verdict.fingerprint),
      textArray(verdicts, (verdict) => verdict.verdict),
      uuidArray(verdicts, (verdict) => verdict.gatewayTransactionId),
      bigintArray(verdicts, (verdict) => verdict.amountMinor),
      textArray(verdicts, (verdict) => verdict.currency),
      textArray(verdicts, (verdict) => verdict.sourceAccountNumber),
      textArray(verdicts, (verdict) => verdict.destinationAccountNumber),
      textArray(verdicts, (verdict) => verdict.destinationBankCode),
    ],
  })
  return rows[0]?.booked ?? 0
}
