import { byteaArray, intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/** A PSP that a payment may go to, with the bytes of its request there. */
export type RouteEntry = { paymentId: string; position: number; psp: string; requestBody: Buffer }

/** A payment that goes to another PSP. */
export type PaymentMove = { paymentId: string; psp: string }

/** Records the routes of new payments. Their bytes are frozen for every PSP at once. */
export async function addPspChoices(tx: Tx, entries: readonly RouteEntry[]): Promise<void> {
  if (entries.length === 0) return
  const statement = sql`
    INSERT INTO payment_routes (payment_id, position, psp, request_body)
    SELECT * FROM unnest(
      ${uuidArray(entries, (it) => it.paymentId)}::uuid[],
      ${intArray(entries, (it) => it.position)}::int[],
      ${textArray(entries, (it) => it.psp)}::text[],
      ${byteaArray(entries, (it) => it.requestBody)}::bytea[])`
  await tx.query(named('add-payment-routes', statement))
}

/** The PSPs of each payment that has a choice, in order. */
export async function findPaymentRoutes(
  tx: Tx,
  paymentIds: readonly string[],
): Promise<ReadonlyMap<string, string[]>> {
  const statement = sql`
    SELECT payment_id, array_agg(psp ORDER BY position) AS psps FROM payment_routes
    WHERE payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[])
    GROUP BY payment_id`
  const { rows } = await tx.query<{ payment_id: string; psps: string[] }>(
    named('find-payment-routes', statement),
  )
  return new Map(rows.map((row) => [row.payment_id, row.psps]))
}

/**
 * Gives payments, whose rows are locked, to another PSP with the bytes for it. The database refuses
 * that for one of which anything may have left (rule 9). Returns those that moved.
 */
export async function movePayments(
  tx: Tx,
  moves: readonly PaymentMove[],
): Promise<ReadonlySet<string>> {
  const statement = sql`
    SELECT move_payments(
      ${uuidArray(moves, (it) => it.paymentId)}::uuid[],
      ${textArray(moves, (it) => it.psp)}::text[]) AS payment_id`
  const { rows } = await tx.query<{ payment_id: string }>(named('move-payments', statement))
  return new Set(rows.map((row) => row.payment_id))
}
