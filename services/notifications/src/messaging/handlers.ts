import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'

/** The end of a payment is what users are notified of (P6). */
export const handlers: Handlers<IncomingEvent<PaymentFinalized>> = {
  'payment.finalized': (incoming) => {
    const { timestamp } = incoming.event
    return Number.isNaN(Date.parse(timestamp))
      ? new Unprocessable(`${timestamp} is not a time`)
      : incoming
  },
}
