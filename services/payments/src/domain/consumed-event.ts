import type { FactEvent } from './decide-facts.ts'
import type { RefundEvent } from './evolve-refund.ts'
import type { PaymentEvent } from './evolve.ts'

/** Every event that the service follows. */
export type ConsumedEvent = PaymentEvent | RefundEvent | FactEvent

/** The payment whose row the event is decided under; undefined if it names none. */
export function paymentIdOf(event: ConsumedEvent): string | undefined {
  switch (event.event_type) {
    case 'return.received':
    case 'dispute.opened':
    case 'dispute.closed':
      return event.payment?.payment_id
    // A case is opened without a look at the payment.
    case 'psp.contradicted':
      return undefined
    default:
      return event.payment_id
  }
}

/** The refund that the event is about; undefined if it is about none. */
export function refundIdOf(event: ConsumedEvent): string | undefined {
  if ('refund_id' in event) return event.refund_id
  if (event.event_type !== 'funds.posted') return undefined
  return event.source.type === 'refund' ? event.source.id : undefined
}

/** The dispute that the event is about; undefined if it is about none. */
export function disputeIdIn(event: ConsumedEvent): string | undefined {
  return 'dispute_id' in event ? event.dispute_id : undefined
}

/** The return that the event is about, which may be that of a dispute; undefined if none. */
export function returnIdIn(event: ConsumedEvent): string | undefined {
  if (event.event_type === 'return.received') return event.return_id
  if ('dispute_id' in event) return event.dispute_id
  if (event.event_type !== 'funds.posted') return undefined
  return event.source.type === 'return' ? event.source.id : undefined
}

/**
 * Whether the event is decided with returns, found refunds and disputes. What was booked for a
 * refund is, if it went to suspense, and so is a reversal: it may be one that was found and did not
 * fit.
 */
export function isFact(event: ConsumedEvent): boolean {
  switch (event.event_type) {
    case 'return.received':
    case 'payment.captured_late':
    case 'refund.found':
    case 'refund.reversed':
    case 'dispute.opened':
    case 'dispute.closed':
      return true
    case 'funds.posted':
      return event.source.type !== 'refund' || event.end === 'suspense'
    default:
      return false
  }
}
