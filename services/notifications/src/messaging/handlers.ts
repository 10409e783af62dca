import type { EventOf } from '@caudal/contracts/catalogue.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { NotificationWork, NotifiedEvent, NotifiedOutcome } from '../domain/notification.ts'
import { notificationKeyOf } from './notification-key.ts'

/** Every object has notifications of its own, which have no order among each other. */
export const orderBy: OrderBy = {
  [TOPICS.paymentsFinalized]: ['payment_id'],
  [TOPICS.refundsFinalized]: ['refund_id'],
  [TOPICS.returnsFinalized]: ['return_id'],
}

type Notified =
  | EventOf<'payment.finalized'>
  | EventOf<'payment.recovered'>
  | EventOf<'refund.finalized'>
  | EventOf<'payment.returned'>

/**
 * Users are notified of the end of a payment (P6), and of money that came back or left after it. A
 * refund that failed or was canceled moved none.
 */
export const handlers: Handlers<NotificationWork> = {
  'payment.finalized': (incoming) => notified(incoming, incoming.event.status),
  'payment.recovered': (incoming) => notified(incoming, 'RECOVERED'),
  'refund.finalized': (incoming) => {
    const { status, refund_id: refundId } = incoming.event
    if (status === 'SUCCEEDED') return notified(incoming, 'REFUNDED', refundId)
    return status === 'REVERSED' ? notified(incoming, 'REFUND_REVERSED', refundId) : null
  },
  'payment.returned': (incoming) => notified(incoming, 'RETURNED', incoming.event.return_id),
}

function notified(
  { event, record }: IncomingEvent<Notified>,
  outcome: NotifiedOutcome,
  objectId: string | null = null,
): NotifiedEvent | Unprocessable {
  const finalizedAtMs = Date.parse(event.timestamp)
  if (Number.isNaN(finalizedAtMs)) return new Unprocessable(`${event.timestamp} is not a time`)
  const { payment_id: paymentId } = event
  return {
    key: notificationKeyOf(outcome, { paymentId, objectId }),
    paymentId,
    objectId,
    tenantId: event.tenant_id,
    userId: event.user_id,
    amount: event.amount,
    currency: event.currency,
    serviceName: event.service_name,
    outcome,
    traceparent: parseTraceparent(record.headers['traceparent']),
    finalizedAtMs,
  }
}
