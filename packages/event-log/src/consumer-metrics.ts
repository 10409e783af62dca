import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { positionKey, positionList, type Positions } from './advance-offsets.ts'
import type { EventLog, LogRecord } from './event-log.ts'
import { PARK_KINDS, type ParkKind } from './park-error.ts'
import type { ParkedCounts } from './park-records.ts'

export type ConsumerMetrics = {
  applied(records: readonly LogRecord[]): void
  /** The types of records that were skipped; each is one of the catalogue, or `unknown`. */
  skipped(types: readonly string[]): void
  failed(): void
  offsetsMoved(): void
  parkedOne(kind: ParkKind): void
}

/** What a consumer counts (P13): records by topic, batch sizes, faults, parked records, lag. */
export function createConsumerMetrics(
  { metrics, log }: { metrics: Metrics; log: EventLog },
  state: { positions: () => Positions; parked: () => ParkedCounts | undefined },
): ConsumerMetrics {
  const consumed = metrics.counter('events_consumed_total', 'Records consumed.', ['topic'])
  const sizes = metrics.histogram(
    'consumer_batch_records',
    'Records per transaction.',
    [],
    [1, 10, 50, 100, 250, 500, 1_000],
  )
  const skipped = metrics.counter(
    'events_skipped_total',
    'Records of event types that are not for this service.',
    ['type'],
  )
  const failed = metrics.counter('consumer_failures_total', 'Batches that failed.')
  const moved = metrics.counter('consumer_offsets_moved_total', 'Compare-and-sets refused.')
  const parked = metrics.counter('records_parked_total', 'Records put aside.', ['kind'])
  metrics.gauge('parked_records', 'Records that are parked now.', ['kind'], (gauge) => {
    const counts = state.parked()
    for (const kind of counts ? PARK_KINDS : []) gauge.set({ kind }, counts![kind])
  })
  metrics.gauge('consumer_lag_records', 'Records not consumed yet.', ['topic'], async (gauge) => {
    const positions = state.positions()
    const lags = new Map<string, number>()
    for (const { topic, partition, offset } of await log.end(positionList(positions))) {
      const behind = offset - (positions.get(positionKey(topic, partition)) ?? offset)
      lags.set(topic, (lags.get(topic) ?? 0) + Number(behind))
    }
    for (const [topic, lag] of lags) gauge.set({ topic }, lag)
  })
  return {
    applied: (records) => {
      sizes.observe(records.length)
      const topics = records.map(({ topic }) => topic)
      for (const [topic, count] of countEach(topics)) consumed.inc({ topic }, count)
    },
    skipped: (types) => {
      for (const [type, count] of countEach(types)) skipped.inc({ type }, count)
    },
    failed: () => failed.inc(),
    offsetsMoved: () => moved.inc(),
    parkedOne: (kind) => parked.inc({ kind }),
  }
}

function countEach(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
