import type { CheckInput, PaymentCheck } from './check.ts'
import { listViolations } from './find-violations.ts'
import type { Finding } from './findings.ts'

/** P2: an order has at most one payment that did not fail, and is paid if that one completed. */
export const ordersPaidOnce: PaymentCheck = {
  name: 'orders_paid_once',
  needs: ['payments', 'orders'],
  look({ payments, byId, orders }, add) {
    for (const { payment_id: id, external_order_id: order, status, updated_at: at } of payments) {
      const paid = orders.get(id)
      if (status !== 'COMPLETED') continue
      if (!paid) add(`payment ${id} is COMPLETED, but its order ${order} is not paid`, at)
      else if (paid.external_order_id !== order) {
        add(`payment ${id} of order ${order} paid order ${paid.external_order_id}`, paid.paid_at)
      }
    }
    for (const { payment_id: id, external_order_id: order, paid_at: at } of orders.values()) {
      const status = byId.get(id)?.status
      if (status === undefined) add(`order ${order} is paid without a payment`, at)
      else if (status !== 'COMPLETED') add(`order ${order} is paid by payment ${id}: ${status}`, at)
    }
    return payments.length
  },
  lookAcross: findPaidTwice,
}

function findPaidTwice({ payments, since }: CheckInput): Promise<Finding> {
  const changed =
    since === undefined
      ? ''
      : `AND external_order_id IN
           (SELECT external_order_id FROM payments WHERE payment_id > '${since.paymentId}')`
  return listViolations(
    payments,
    `SELECT format('order %s has %s payments that did not fail', external_order_id, count(*))
       AS violation
     FROM payments WHERE status <> 'FAILED' ${changed}
     GROUP BY tenant_id, external_order_id HAVING count(*) > 1`,
  )
}
