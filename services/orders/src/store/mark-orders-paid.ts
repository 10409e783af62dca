import { intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { ownedKeyOf } from '../domain/decide-payments.ts'
import type { PaidOrder } from '../domain/orders-paid-by.ts'

/**
 * Marks the orders PAID in one statement, at the database's time as read behind the locks. Each
 * order comes once; one that is paid stays as it is, so repeating it changes nothing. Returns the
 * payment that each order is now paid with, by `ownedKeyOf`; an order that its user does not have
 * is not among them.
 */
export async function markOrdersPaid(
  tx: Tx,
  paid: readonly PaidOrder[],
): Promise<Map<string, string>> {
  if (paid.length === 0) return new Map()
  // The locks come first and in sorted order (rule 6).
  const statement = sql`
    WITH paid AS (
      SELECT * FROM unnest(
        ${textArray(paid, (order) => order.tenantId)}::text[],
        ${uuidArray(paid, (order) => order.userId)}::uuid[],
        ${uuidArray(paid, (order) => order.externalOrderId)}::uuid[],
        ${uuidArray(paid, (order) => order.paymentId)}::uuid[],
        ${intArray([...paid.keys()], (index) => index)}::int[]
      ) AS event (tenant_id, user_id, external_order_id, payment_id, index)
    ), locked AS (
      SELECT o.order_id, o.tenant_id, o.user_id, o.external_order_id, o.paid_payment_id
      FROM orders o
      WHERE (o.tenant_id, o.external_order_id) IN
        (SELECT tenant_id, external_order_id FROM paid)
      ORDER BY o.order_id
      FOR UPDATE
    ), found AS (
      SELECT locked.order_id, paid.index, paid.payment_id, locked.paid_payment_id
      FROM paid JOIN locked USING (tenant_id, user_id, external_order_id)
    ), clock AS MATERIALIZED (
      -- Counting waits for every lock.
      SELECT clock_timestamp() AS now, count(*) FROM locked
    ), marked AS (
      UPDATE orders o
      SET status = 'PAID', paid_payment_id = found.payment_id, paid_at = clock.now
      FROM found, clock
      WHERE o.order_id = found.order_id AND o.status = 'UNPAID'
    )
    SELECT index, coalesce(paid_payment_id, payment_id) AS "paidWith" FROM found`
  const { rows } = await tx.query<{ index: number; paidWith: string }>(
    named('mark-orders-paid', statement),
  )
  return new Map(rows.map(({ index, paidWith }) => [ownedKeyOf(paid[index]!), paidWith]))
}
