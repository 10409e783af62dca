import { systemActor } from '@caudal/contracts/actor.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { DeliveryDecision, DeviceOutcome, PushOutcome } from '../domain/decide-delivery.ts'
import type { Channel, Notification } from '../domain/notification.ts'

/** Metrics and logs of notifications (P6, P13, F9). */
export type Observer = {
  /** `latencyMs` is null if nothing was sent: the push service is full or its circuit is open. */
  answered(channel: Channel, outcome: PushOutcome, latencyMs: number | null): void
  tried(
    notification: Notification,
    decision: DeliveryDecision,
    devices: readonly DeviceOutcome[],
  ): void
  lookupFailed(fault: Error, notifications: number): void
  /** Devices in the answer of the user service were left out. */
  malformedDevices(notification: Notification, what: string): void
  /** A try was aborted: it passed its deadline, or our own code failed. */
  callFailed(notification: Notification, error: unknown): void
  saveFailed(error: unknown, notifications: number): void
  devicesRemoved(tenantId: string, devices: number): void
  removalFailed(error: unknown, tenantId: string, devices: number): void
}

/** Seconds; up to the five minutes that an external delivery may take (F9), and beyond. */
const DELAY_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3_600]

function createMeters(metrics: Metrics) {
  const sent = metrics.counter(
    'notifications_sent_total',
    'Notifications that a push service accepted.',
    ['channel'],
  )
  const failed = metrics.counter(
    'notifications_failed_total',
    'Notifications that a push service did not accept.',
    ['channel', 'outcome'],
  )
  const latency = metrics.histogram(
    'push_duration_seconds',
    'Time of one call to a push service.',
    ['channel'],
  )
  const ended = metrics.counter('notifications_ended_total', 'Notifications by how they ended.', [
    'status',
  ])
  const delay = metrics.histogram(
    'notification_delay_seconds',
    'From what is notified to its delivery to a device.',
    [],
    DELAY_BUCKETS,
  )
  const faults = metrics.counter('identity_failures_total', 'Calls to identity that failed.', [
    'call',
  ])
  const removed = metrics.counter('devices_removed_total', 'Dead devices that identity removed.')
  return { sent, failed, latency, ended, delay, faults, removed }
}

/** Metrics per channel and status; the backlog is counted at each scrape. */
export function createObserver(deps: { db: Db; metrics: Metrics; logger: Logger }): Observer {
  const { metrics, logger } = deps
  const { sent, failed, latency, ended, delay, faults, removed } = createMeters(metrics)
  countPending(deps)
  return {
    answered(channel, outcome, latencyMs) {
      if (latencyMs !== null) latency.observe({ channel }, latencyMs / 1_000)
      if (outcome.kind === 'delivered') sent.inc({ channel })
      else failed.inc({ channel, outcome: outcome.kind })
    },
    tried(notification, { status, detail, retryInMs }, devices) {
      const { attempt, finalizedAtMs } = notification
      if (status !== 'PENDING') ended.inc({ status })
      if (status === 'SENT') delay.observe(Math.max(0, Date.now() - finalizedAtMs) / 1_000)
      logger.info(
        {
          ...idsOf(notification),
          status,
          attempt,
          devices: devices.length,
          ...(detail !== null && { detail }),
          ...(retryInMs !== null && { retry_in_ms: retryInMs }),
        },
        'notification tried',
      )
    },
    lookupFailed(error, notifications) {
      faults.inc({ call: 'lookup' })
      logger.warn(
        { err: error, notifications },
        'could not look up devices; the notifications wait',
      )
    },
    malformedDevices(notification, what) {
      faults.inc({ call: 'lookup' })
      const { tenantId, userId } = notification
      logger.error(
        { ...idsOf(notification), tenant_id: tenantId, user_id: userId, detail: what },
        'could not use devices of the user service',
      )
    },
    callFailed(notification, error) {
      const ids = idsOf(notification)
      logger.error({ ...ids, err: error }, 'a try of a notification was aborted')
    },
    saveFailed(error, notifications) {
      logger.error({ err: error, notifications }, 'could not record tries; retrying')
    },
    devicesRemoved(tenantId, devices) {
      removed.inc(devices)
      logger.info({ tenant_id: tenantId, devices }, 'removed dead devices')
    },
    removalFailed(error, tenantId, devices) {
      faults.inc({ call: 'remove' })
      logger.warn(
        { err: error, tenant_id: tenantId, devices },
        'could not remove dead devices; the next notification to them tries again',
      )
    },
  }
}

/** A try is made from a stored row, by a timer at the latest, so its actor is the service. */
const ACTOR = systemActor('notifications')

function idsOf({ paymentId, outcome, traceparent }: Notification) {
  const trace = parseTraceparent(traceparent ?? undefined)
  return {
    payment_id: paymentId,
    outcome,
    trace_id: trace === null ? undefined : traceIdOf(trace),
    actor: ACTOR,
  }
}

function countPending({ db, metrics }: { db: Db; metrics: Metrics }): void {
  metrics.gauge('notifications_pending', 'Notifications still to be sent.', [], async (gauge) => {
    const { rows } = await db.query<{ pending: bigint }>(
      'SELECT count(*) AS pending FROM notifications WHERE due_at IS NOT NULL',
    )
    gauge.set(Number(rows[0]!.pending))
  })
}
