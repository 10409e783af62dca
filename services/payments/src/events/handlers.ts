import { TOPICS } from '@caudal/contracts/topics.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import type { Handlers } from '@caudal/event-log/router.ts'
import type { PaymentEvent } from '../domain/evolve.ts'

const asItIs = (incoming: IncomingEvent<PaymentEvent>) => incoming

/**
 * Each payment is in order by itself: an event of one that is not known here keeps no other payment
 * of its account waiting.
 */
export const orderBy: OrderBy = {
  [TOPICS.fundsReserved]: ['payment_id'],
  [TOPICS.paymentsResults]: ['payment_id'],
  [TOPICS.fundsReleased]: ['payment_id'],
}

/** The events that move payments (ADR 0007). */
export const handlers: Handlers<IncomingEvent<PaymentEvent>> = {
  'funds.reserved': asItIs,
  'funds.insufficient': asItIs,
  'funds.released': asItIs,
  'payment.in_doubt': asItIs,
  'payment.completed': asItIs,
  'payment.failed.gateway_error': asItIs,
  'payment.failed.gateway_unreachable': asItIs,
  'payment.failed.circuit_open': asItIs,
}
