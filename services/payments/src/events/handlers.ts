import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { Handlers } from '@caudal/event-log/router.ts'
import type { PaymentEvent } from '../domain/evolve.ts'

const asItIs = (incoming: IncomingEvent<PaymentEvent>) => incoming

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
