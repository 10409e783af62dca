import { TOPICS } from '@caudal/contracts/topics.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import type { Handlers } from '@caudal/event-log/router.ts'
import type { ConsumedEvent } from '../domain/consumed-event.ts'

const asItIs = (incoming: IncomingEvent<ConsumedEvent>) => incoming

/**
 * Each payment is in order by itself: an event of one that is not known here keeps no other payment
 * of its account waiting. Postings need no order among each other.
 */
export const orderBy: OrderBy = {
  [TOPICS.fundsReserved]: ['payment_id'],
  [TOPICS.paymentsResults]: ['payment_id'],
  [TOPICS.fundsReleased]: ['payment_id'],
  [TOPICS.refundsResults]: ['payment_id'],
  [TOPICS.fundsPosted]: ['posting_id'],
  [TOPICS.pspFacts]: ['account_id'],
}

/** The events that move payments and what comes back of them (ADR 0007). */
export const handlers: Handlers<IncomingEvent<ConsumedEvent>> = {
  'funds.reserved': asItIs,
  'funds.insufficient': asItIs,
  'funds.released': asItIs,
  'payment.in_doubt': asItIs,
  'payment.completed': asItIs,
  'payment.failed.gateway_error': asItIs,
  'payment.failed.gateway_unreachable': asItIs,
  'payment.failed.circuit_open': asItIs,
  'payment.canceled': asItIs,
  'refund.submitted': asItIs,
  'refund.in_doubt': asItIs,
  'refund.succeeded': asItIs,
  'refund.failed': asItIs,
  'refund.canceled': asItIs,
  'refund.reversed': asItIs,
  'funds.posted': asItIs,
  'return.received': asItIs,
  'payment.captured_late': asItIs,
  'refund.found': asItIs,
  'dispute.opened': asItIs,
  'dispute.closed': asItIs,
  'psp.contradicted': asItIs,
}
