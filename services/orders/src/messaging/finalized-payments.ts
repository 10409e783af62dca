import type { PaymentFinalized } from '@caudal/contracts/events.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'

/** The finalized payments among the events, in their order. */
export function finalizedPayments(
  incoming: readonly IncomingEvent[],
): IncomingEvent<PaymentFinalized>[] {
  return incoming.filter(isFinalized)
}

function isFinalized(incoming: IncomingEvent): incoming is IncomingEvent<PaymentFinalized> {
  return incoming.event.event_type === 'payment.finalized'
}
