import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { positionKey, positionList, type Positions } from './advance-offsets.ts'
import type { EventLog, LogRecord } from './event-log.ts'
import type { ParkKind } from './park-error.ts'

export type ConsumerMetrics = {
  applied(records: readonly LogRecord[]): void
  /** Records of types that the service does not declare. */
  skipped(count: number): void
  failed(): void
  offsetsMoved(): void
  parkedOne(kind: ParkKind): void
}

/** What a consumer counts (P13): records by topic, batch sizes, faults, parked records, lag. */
export function createConsumerMetrics(
  { metrics, log, logger }: { metrics: Metrics; log: EventLog; logger: Logger },
  state: { positions: () => Positions; parked: () => number },
): ConsumerMetrics {
  const consumed = metrics.counter('events_consumed_total', 'Records consumed.', ['topic'])
  const sizes = metrics.histogram(
    'consumer_batch_records',
    'Records per transaction.',
    [],
    [1, 10, 50, 100, 250, 500, 1_000],
  )
  const skipped = metrics.counter('events_skipped_total', 'Records of undeclared event types.')
  const failed = metrics.counter('consumer_failures_total', 'Batches that failed.')
  const moved = metrics.counter('consumer_offsets_moved_total', 'Compare-and-sets refused.')
  const parked = metrics.counter('records_parked_total', 'Records put aside.', ['kind'])
  metrics.gauge('parked_records', 'Records that are parked now.', [], (gauge) => {
    gauge.set(state.parked())
  })
  metrics.gauge('consumer_lag_records', 'Records not consumed yet.', ['topic'], async (gauge) => {
    const positions = state.positions()
    const lags = new Map<string, number>()
    try {
      for (const { topic, partition, offset } of await log.end(positionList(positions))) {
        const behind = offset - (positions.get(positionKey(topic, partition)) ?? offset)
        lags.set(topic, (lags.get(topic) ?? 0) + Number(behind))
      }
    } catch (error) {
      logger.warn({ err: error }, 'the lag cannot be told now')
      return
    }
    for (const [topic, lag] of lags) gauge.set({ topic }, lag)
  })
  return {
    applied: (records) => {
      sizes.observe(records.length)
      const counts = new Map<string, number>()
      for (const { topic } of records) counts.set(topic, (counts.get(topic) ?? 0) + 1)
      for (const [topic, count] of counts) consumed.inc({ topic }, count)
    },
    skipped: (count) => skipped.inc(count),
    failed: () => failed.inc(),
    offsetsMoved: () => moved.inc(),
    parkedOne: (kind) => parked.inc({ kind }),
  }
}
