import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import type { FollowUp } from '@caudal/event-log/apply-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { isWorthSending } from './domain/is-worth-sending.ts'
import type { Notification } from './domain/notification.ts'
import { readClock } from './store/read-clock.ts'
import { type NewNotification, recordNotifications } from './store/record-notifications.ts'

export type ProcessBatchDeps = {
  /** How long a new notification is this instance's. */
  leaseMs: number
  /** How many notifications can go out at once; the others wait in their table. */
  room: () => number
  /** Told which notifications go out now, once they are committed, and whether others wait. */
  send: (notifications: readonly Notification[], othersWait: boolean) => void
}

/**
 * THE SPINE, read this first: a batch of ends of payments becomes rows of notices to send. Runs in
 * the transaction that moves the consumer's offsets (ADR 0002); the sending follows its commit.
 */
export async function processBatch(
  { leaseMs, room, send }: ProcessBatchDeps,
  tx: Tx,
  ends: readonly IncomingEvent<PaymentFinalized>[],
): Promise<FollowUp> {
  const nowMs = await readClock(tx)
  const notifications = plan(ends, nowMs, room())
  const recorded = await recordNotifications(tx, notifications, leaseMs)
  const going = notifications.filter((it) => it.plan === 'taken' && recorded.has(it.paymentId))
  const othersWait = notifications.some((it) => it.plan === 'waiting')
  const firstTry = { takenAtMs: nowMs, attempt: 1, failures: 0, settled: new Map() }
  return () =>
    send(
      going.map(({ plan: _, ...it }) => ({ ...it, ...firstTry })),
      othersWait,
    )
}

/** One notification a payment, also where its end comes twice in a batch. */
function plan(
  ends: readonly IncomingEvent<PaymentFinalized>[],
  nowMs: number,
  room: number,
): NewNotification[] {
  let left = room
  const byPayment = new Map(ends.map((end) => [end.event.payment_id, end]))
  return [...byPayment.values()].map(({ event, record }) => {
    const finalizedAtMs = Date.parse(event.timestamp)
    const worthSending = isWorthSending(finalizedAtMs, nowMs)
    const taken = worthSending && left > 0
    if (taken) left -= 1
    return {
      paymentId: event.payment_id,
      tenantId: event.tenant_id,
      userId: event.user_id,
      amount: event.amount,
      currency: event.currency,
      serviceName: event.service_name,
      outcome: event.status,
      traceparent: record.headers['traceparent'] ?? null,
      finalizedAtMs,
      plan: taken ? 'taken' : worthSending ? 'waiting' : 'too_old',
    }
  })
}
