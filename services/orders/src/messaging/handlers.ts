import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { Handlers } from '@caudal/event-log/router.ts'

/** The work of an event: a payment that has ended. */
export interface PaymentWork {
  type: 'payment'
  incoming: IncomingEvent<PaymentFinalized>
}

/** The events that pay orders (ADR 0007). */
export const handlers: Handlers<PaymentWork> = {
  'payment.finalized': (incoming) => ({ type: 'payment', incoming }),
}
