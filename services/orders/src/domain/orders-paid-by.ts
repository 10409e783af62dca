import type { PaymentFinalized, PaymentRecovered } from '@caudal/contracts/events/payments.ts'
import type { OrderKey } from './order.ts'

/** An event that may pay an order. */
export type PaymentEnd = PaymentFinalized | PaymentRecovered

/** A payment that paid an order. `position` is the place of its event in the batch. */
export type PaidOrder = OrderKey & { paymentId: string; position: number }

/**
 * What a batch of payments pays, in the order of the events: a FAILED payment pays nothing unless
 * it is recovered, and the same payment twice is once (the log is at-least-once, rule 4).
 */
export function ordersPaidBy(events: readonly PaymentEnd[]): PaidOrder[] {
  const paid = new Map<string, PaidOrder>()
  events.forEach((event, position) => {
    if (!isPaid(event) || paid.has(event.payment_id)) return
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

/** Whether the payment is paid by this event: it completed, or had failed and is paid after all. */
export function isPaid(event: PaymentEnd): boolean {
  return event.event_type === 'payment.recovered' || event.status === 'COMPLETED'
}
