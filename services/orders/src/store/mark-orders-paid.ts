import { intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { PaidOrder } from '../domain/orders-paid-by.ts'

/** A payment that could not pay its order, by its place in the batch. */
export type UnmarkedPayment = {
  position: number
  /** The payment that the order was paid with; null when there is no such order. */
  paidWith: string | null
}

/**
 * Marks the orders PAID in one statement, at the database's time as read behind the locks. Returns
 * the payments that found no order of their user, or one that another payment had paid. Repeating
 * it changes nothing.
 */
export async function markOrdersPaid(
  tx: Tx,
  paid: readonly PaidOrder[],
): Promise<{ marked: number; unmarked: UnmarkedPayment[] }> {
  if (paid.length === 0) return { marked: 0, unmarked: [] }
  // The locks come first and in sorted order (rule 6). An order that the same payment has paid is
  // neither updated nor reported: that is a redelivery.
  const statement = sql`
    WITH paid AS (
      SELECT * FROM unnest(
        ${textArray(paid, (order) => order.tenantId)}::text[],
        ${uuidArray(paid, (order) => order.userId)}::uuid[],
        ${uuidArray(paid, (order) => order.externalOrderId)}::uuid[],
        ${uuidArray(paid, (order) => order.paymentId)}::uuid[],
        ${intArray([...paid.keys()], (index) => index)}::int[]
      ) AS event (tenant_id, user_id, external_order_id, payment_id, position)
    ), locked AS (
      SELECT o.order_id, o.tenant_id, o.user_id, o.external_order_id, o.paid_payment_id
      FROM orders o
      WHERE (o.tenant_id, o.external_order_id) IN
        (SELECT tenant_id, external_order_id FROM paid)
      ORDER BY o.order_id
      FOR UPDATE
    ), first AS (
      SELECT DISTINCT ON (locked.order_id)
        locked.order_id, coalesce(locked.paid_payment_id, paid.payment_id) AS payment_id
      FROM paid JOIN locked USING (tenant_id, user_id, external_order_id)
      ORDER BY locked.order_id, paid.position
    ), clock AS MATERIALIZED (
      -- Counting waits for every lock.
      SELECT clock_timestamp() AS now, count(*) FROM locked
    ), marked AS (
      UPDATE orders o
      SET status = 'PAID', paid_payment_id = first.payment_id, paid_at = clock.now
      FROM first, clock
      WHERE o.order_id = first.order_id AND o.status = 'UNPAID'
      RETURNING o.order_id
    )
    SELECT paid.position, first.payment_id AS "paidWith", (SELECT count(*) FROM marked) AS marked
    FROM paid
    LEFT JOIN locked USING (tenant_id, user_id, external_order_id)
    LEFT JOIN first ON first.order_id = locked.order_id
    ORDER BY paid.position`
  const { rows } = await tx.query<UnmarkedPayment & { marked: bigint }>(
    named('mark-orders-paid', statement),
  )
  const unmarked = rows
    .filter((row) => row.paidWith !== paid[row.position]?.paymentId)
    .map(({ position, paidWith }) => ({ position: paid[position]?.position ?? 0, paidWith }))
  return { marked: Number(rows[0]?.marked ?? 0n), unmarked }
}
