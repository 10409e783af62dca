import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { DeliveryDecision, DeviceOutcome, PushOutcome } from './domain/decide-delivery.ts'
import type { Channel, Notification } from './domain/notification.ts'

/** What the service tells about its notices, by metrics and log lines (P6, P13, F9). */
export type Observer = {
  answered(channel: Channel, outcome: PushOutcome, latencyMs: number): void
  tried(
    notification: Notification,
    decision: DeliveryDecision,
    devices: readonly DeviceOutcome[],
  ): void
}

/** Counts messages per channel and how they ended; the backlog is asked for at each scrape. */
export function createObserver(deps: { db: Db; metrics: Metrics; logger: Logger }): Observer {
  const { db, metrics, logger } = deps
  const sent = metrics.counter('notifications_sent_total', 'Messages taken.', ['channel'])
  const failed = metrics.counter('notifications_failed_total', 'Messages not taken.', [
    'channel',
    'outcome',
  ])
  const latency = metrics.histogram('push_duration_seconds', 'Of one message.', ['channel'])
  metrics.gauge('notifications_pending', 'Notices still to be sent.', [], async (gauge) => {
    const counted = await db
      .query<{ pending: bigint }>(
        'SELECT count(*) AS pending FROM notifications WHERE due_at IS NOT NULL',
      )
      .catch(() => undefined)
    if (counted) gauge.set(Number(counted.rows[0]!.pending))
  })
  return {
    answered: (channel, outcome, latencyMs) => {
      latency.observe({ channel }, latencyMs / 1_000)
      if (outcome.kind === 'delivered') sent.inc({ channel })
      else failed.inc({ channel, outcome: outcome.kind })
    },
    tried: ({ paymentId, attempts, traceparent }, { status, detail }, devices) => {
      const trace = parseTraceparent(traceparent ?? undefined)
      logger.info(
        {
          payment_id: paymentId,
          trace_id: trace === null ? undefined : traceIdOf(trace),
          status,
          attempts,
          devices: devices.length,
          ...(detail !== null && { detail }),
        },
        'notification tried',
      )
    },
  }
}
