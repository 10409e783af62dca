import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import type { OrderKey } from './order.ts'

/** A payment that paid an order. `position` is the place of its event in the batch. */
export type PaidOrder = OrderKey & { paymentId: string; position: number }

/**
 * What a batch of finalized payments pays, in the order of the events: a FAILED payment pays
 * nothing, and the same payment twice is once (the log is at-least-once, rule 4).
 */
export function ordersPaidBy(events: readonly PaymentFinalized[]): PaidOrder[] {
  const paid = new Map<string, PaidOrder>()
  events.forEach((event, position) => {
    if (event.status !== 'COMPLETED' || paid.has(event.payment_id)) return
    paid.set(event.payment_id, {
      tenantId: event.tenant_id,
      userId: event.user_id,
      externalOrderId: event.external_order_id,
      paymentId: event.payment_id,
      position,
    })
  })
  return [...paid.values()]
}
