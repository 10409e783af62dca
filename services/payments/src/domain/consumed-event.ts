import type { RefundEvent } from './evolve-refund.ts'
import type { PaymentEvent } from './evolve.ts'

/** Every event that the service follows. */
export type ConsumedEvent = PaymentEvent | RefundEvent

/** The payment whose row the event is decided under; undefined if it names none. */
export function paymentIdOf(event: ConsumedEvent): string | undefined {
  return event.payment_id
}

/** The refund that the event is about; undefined if it is about none. */
export function refundIdOf(event: ConsumedEvent): string | undefined {
  if ('refund_id' in event) return event.refund_id
  if (event.event_type !== 'funds.posted') return undefined
  return event.source.type === 'refund' ? event.source.id : undefined
}
