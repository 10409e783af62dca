import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { reasonOf } from './kafka-errors.ts'

/** Faults of a Kafka that pass by themselves: counted by kind, and logged. */
export type KafkaIncidents = {
  appendRepeated(): void
  appendLate(): void
  /** A broker that could not be read from; the others are read on. */
  fetchFailed(kind: FetchFailure, error: unknown): void
  /** So many partitions are led by another broker than before. */
  leadersMoved(partitions: number): void
  offsetOutOfRange(): void
  rebalanced(): void
  joinFailed(kind: JoinFailure, error: unknown): void
  reportFailed(error: unknown): void
}

export type FetchFailure = 'broker' | 'leader_moved' | 'other'

/** How a membership ended: at the first join, at a join after a rebalance, or in silence. */
export type JoinFailure = 'join' | 'rejoin' | 'heartbeat'

/** The counters of one service's Kafka clients. */
export function createKafkaIncidents(metrics: Metrics, logger: Logger): KafkaIncidents {
  const count = (name: string, help: string) => {
    const counter = metrics.counter(name, help)
    return () => counter.inc()
  }
  const repeated = count('event_log_append_repeats_total', 'Appends that were repeated.')
  const late = count('event_log_append_timeouts_total', 'Appends that missed their deadline.')
  const lost = count('consumer_offsets_out_of_range_total', 'Positions that Kafka does not have.')
  const rebalances = count('consumer_rebalances_total', 'Assignments of partitions.')
  const reports = count(
    'consumer_lag_report_failures_total',
    'Reports of positions that Kafka refused.',
  )
  const fetches = metrics.counter(
    'consumer_fetch_failures_total',
    'Reads from a broker that failed; each is tried again.',
    ['kind'],
  )
  const moves = metrics.counter(
    'consumer_leaders_moved_total',
    'Partitions found to be led by another broker than before.',
  )
  const joins = metrics.counter(
    'consumer_join_failures_total',
    'Memberships lost; each is sought again.',
    ['kind'],
  )
  return {
    appendRepeated: repeated,
    appendLate: late,
    fetchFailed: (kind, error) => {
      fetches.inc({ kind })
      logger.warn({ kind, reason: reasonOf(error) }, 'could not read from a broker')
    },
    leadersMoved: (partitions) => {
      moves.inc(partitions)
      logger.info({ partitions }, 'partitions moved to other brokers')
    },
    offsetOutOfRange: lost,
    rebalanced: rebalances,
    joinFailed: (kind, error) => {
      joins.inc({ kind })
      logger.warn(
        { kind, reason: reasonOf(error) },
        'lost the membership of the group; joining again',
      )
    },
    reportFailed: (error) => {
      reports()
      logger.debug({ reason: reasonOf(error) }, 'Kafka did not take the positions')
    },
  }
}
