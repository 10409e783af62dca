import type { PaymentFinalized } from '@caudal/contracts/events.ts'
import type { FollowUp } from '@caudal/event-log/apply-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { isWorthTelling } from './domain/decide-finalized.ts'
import type { Notification } from './domain/notification.ts'
import { type NewNotification, recordNotifications } from './store/record-notifications.ts'

export type ProcessBatchDeps = {
  /** How long a new notification is this instance's. */
  leaseMs: number
  now: () => number
  /** Told which notifications go out, once they are committed. */
  send: (notifications: readonly Notification[]) => void
}

/**
 * THE SPINE, read this first: a batch of ends of payments becomes rows of notices to send. Runs in
 * the transaction that moves the consumer's offsets (ADR 0002); the sending follows its commit.
 *
 * @throws {ParkError} for events that are not ends of payments
 */
export async function processBatch(
  { leaseMs, now, send }: ProcessBatchDeps,
  tx: Tx,
  incoming: readonly IncomingEvent[],
): Promise<FollowUp> {
  const at = now()
  const notifications = finalizedOf(incoming).map((event, index) =>
    notificationOf(event, incoming[index]!, at),
  )
  const recorded = await recordNotifications(tx, notifications, leaseMs)
  const going = notifications.filter(
    ({ paymentId, worthTelling }) => worthTelling && recorded.delete(paymentId),
  )
  return () => send(going.map((it) => ({ ...it, attempts: 1 })))
}

function finalizedOf(incoming: readonly IncomingEvent[]): PaymentFinalized[] {
  const events: PaymentFinalized[] = []
  for (const { event, record } of incoming) {
    if (event.event_type === 'payment.finalized') events.push(event)
    else {
      const cause = `${event.event_type} is not an event that notifications reads`
      throw new ParkError([{ record, kind: 'unprocessable', cause }])
    }
  }
  return events
}

function notificationOf(
  event: PaymentFinalized,
  { record }: IncomingEvent,
  now: number,
): NewNotification {
  return {
    paymentId: event.payment_id,
    tenantId: event.tenant_id,
    userId: event.user_id,
    amount: event.amount,
    currency: event.currency,
    serviceName: event.service_name,
    outcome: event.status,
    traceparent: record.headers['traceparent'] ?? null,
    finalizedAt: event.timestamp,
    worthTelling: isWorthTelling(event, now),
  }
}
