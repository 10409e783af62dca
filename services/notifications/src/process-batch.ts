import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { readClock } from '@caudal/postgres/read-clock.ts'
import { isWorthSending } from './domain/is-worth-sending.ts'
import type { Notification, NotificationWork, NotifiedEvent } from './domain/notification.ts'
import {
  type NewNotification,
  type Plan,
  recordNotifications,
} from './store/record-notifications.ts'

export type ProcessBatchDeps = {
  /** The lease of a new notification. */
  leaseMs: number
  /** How many notifications can be sent now; the others wait in their table. */
  room: () => number
  /** Sends notifications whose rows are committed. `othersWait`: some are due in their table. */
  send: (notifications: readonly Notification[], othersWait: boolean) => void
}

/** The outcome of a consumed event: its plan, known from an earlier event, or nothing to send. */
export type NotificationRecording = Plan | 'known' | 'none'

/**
 * THE SPINE, read this first. Records the notifications for a batch of events. Runs in the
 * transaction that moves the consumer's offsets (ADR 0002); sending follows its commit.
 */
export const processBatch: ProcessBatch<
  ProcessBatchDeps,
  NotificationWork,
  NotificationRecording
> = async ({ leaseMs, room, send }, tx, work) => {
  // Only the offsets are locked before it, because known notifications are not changed.
  const nowMs = (await readClock(tx)).getTime()
  const notifications = plan(
    work.filter((it) => it !== null),
    nowMs,
    room(),
  )
  const recorded = await recordNotifications(tx, notifications, leaseMs)
  const fresh = notifications.filter((it) => recorded.has(it.key))
  const plans = new Map(fresh.map((it) => [it.key, it.plan]))
  const going = fresh.filter((it) => it.plan === 'taken')
  const othersWait = notifications.some((it) => it.plan === 'waiting')
  const firstTry = { takenAtMs: nowMs, attempt: 1, failures: 0, settled: new Map() }
  return {
    outcomes: work.map((it) => (it === null ? 'none' : (plans.get(it.key) ?? 'known'))),
    afterCommit: () =>
      send(
        going.map(({ plan: _, ...it }) => ({ ...it, ...firstTry })),
        othersWait,
      ),
  }
}

/** One notification per key, also if a batch has its event twice. */
function plan(work: readonly NotifiedEvent[], nowMs: number, room: number): NewNotification[] {
  let left = room
  const byKey = new Map(work.map((it) => [it.key, it]))
  return [...byKey.values()].map((event) => {
    const worthSending = isWorthSending(event.finalizedAtMs, nowMs)
    const taken = worthSending && left > 0
    if (taken) left -= 1
    return { ...event, plan: taken ? 'taken' : worthSending ? 'waiting' : 'too_old' }
  })
}
