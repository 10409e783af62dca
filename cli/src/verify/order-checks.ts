import type { Check } from './check.ts'
import { walkPayments } from './walk-payments.ts'

/** P2: an order has at most one payment that did not fail, and is paid if that one completed. */
export const ordersPaidOnce: Check = {
  name: 'orders_paid_once',
  needs: ['payments', 'orders'],
  async run({ payments, orders }) {
    const { rows: twice } = await payments.query<{ violation: string }>(
      `SELECT format('order %s has %s payments that did not fail', external_order_id, count(*))
         AS violation
       FROM payments WHERE status <> 'FAILED'
       GROUP BY tenant_id, external_order_id HAVING count(*) > 1`,
    )
    const violations = twice.map((row) => row.violation)
    const completed = new Set<string>()
    let checked = 0
    for await (const page of walkPayments(payments)) {
      const paid = await paidOrders(
        orders,
        page.map((payment) => payment.external_order_id),
      )
      for (const { payment_id: id, external_order_id: order, status } of page) {
        checked += 1
        if (status !== 'COMPLETED') continue
        completed.add(order)
        if (!paid.has(order)) {
          violations.push(`payment ${id} is COMPLETED, but its order ${order} is not paid`)
        }
      }
    }
    const { rows } = await orders.query<{ external_order_id: string }>(
      `SELECT external_order_id FROM orders WHERE status = 'PAID'`,
    )
    for (const { external_order_id: order } of rows) {
      if (!completed.has(order)) violations.push(`order ${order} is paid without a payment`)
    }
    return { checked, violations }
  },
}

async function paidOrders(
  orders: Parameters<Check['run']>[0]['orders'],
  ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await orders.query<{ external_order_id: string }>(
    `SELECT external_order_id FROM orders
     WHERE status = 'PAID' AND external_order_id = ANY($1::uuid[])`,
    [ids],
  )
  return new Set(rows.map((row) => row.external_order_id))
}
