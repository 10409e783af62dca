import { TOPICS } from '@caudal/contracts/topics.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { FinalizedPayment } from '../domain/notification.ts'

/** A payment has one notification, and notifications have no order among each other. */
export const orderBy: OrderBy = { [TOPICS.paymentsFinalized]: ['payment_id'] }

/** Users are notified of the end of a payment (P6). */
export const handlers: Handlers<FinalizedPayment> = {
  'payment.finalized': ({ event, record }) => {
    const finalizedAtMs = Date.parse(event.timestamp)
    if (Number.isNaN(finalizedAtMs)) return new Unprocessable(`${event.timestamp} is not a time`)
    return {
      paymentId: event.payment_id,
      tenantId: event.tenant_id,
      userId: event.user_id,
      amount: event.amount,
      currency: event.currency,
      serviceName: event.service_name,
      outcome: event.status,
      traceparent: parseTraceparent(record.headers['traceparent']),
      finalizedAtMs,
    }
  },
}
