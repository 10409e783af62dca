import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { isWorthSending } from './domain/is-worth-sending.ts'
import type { FinalizedPayment, Notification } from './domain/notification.ts'
import { readClock } from './store/read-clock.ts'
import {
  type NewNotification,
  type Plan,
  recordNotifications,
} from './store/record-notifications.ts'

export type ProcessBatchDeps = {
  /** How long a new notification is this instance's. */
  leaseMs: number
  /** How many notifications can go out at once; the others wait in their table. */
  room: () => number
  /** Sends notifications whose rows are committed. `othersWait`: some are due in their table. */
  send: (notifications: readonly Notification[], othersWait: boolean) => void
}

/** What became of the end of a payment: its plan, or known from an earlier event. */
export type Intake = Plan | 'known'

/**
 * THE SPINE, read this first: a batch of ends of payments becomes rows of notifications to send.
 * Runs in the transaction that moves the consumer's offsets (ADR 0002); the sending follows its
 * commit.
 */
export const processBatch: ProcessBatch<ProcessBatchDeps, FinalizedPayment, Intake> = async (
  { leaseMs, room, send },
  tx,
  work,
) => {
  // No row is locked before it: the offsets are, and a known payment is left as it is.
  const nowMs = await readClock(tx)
  const notifications = plan(work, nowMs, room())
  const recorded = await recordNotifications(tx, notifications, leaseMs)
  const fresh = notifications.filter((it) => recorded.has(it.paymentId))
  const plans = new Map(fresh.map((it) => [it.paymentId, it.plan]))
  const going = fresh.filter((it) => it.plan === 'taken')
  const othersWait = notifications.some((it) => it.plan === 'waiting')
  const firstTry = { takenAtMs: nowMs, attempt: 1, failures: 0, settled: new Map() }
  return {
    outcomes: work.map((it) => plans.get(it.paymentId) ?? 'known'),
    afterCommit: () =>
      send(
        going.map(({ plan: _, ...it }) => ({ ...it, ...firstTry })),
        othersWait,
      ),
  }
}

/** One notification a payment, also where its end comes twice in a batch. */
function plan(work: readonly FinalizedPayment[], nowMs: number, room: number): NewNotification[] {
  let left = room
  const byPayment = new Map(work.map((it) => [it.paymentId, it]))
  return [...byPayment.values()].map((payment) => {
    const worthSending = isWorthSending(payment.finalizedAtMs, nowMs)
    const taken = worthSending && left > 0
    if (taken) left -= 1
    return { ...payment, plan: taken ? 'taken' : worthSending ? 'waiting' : 'too_old' }
  })
}
