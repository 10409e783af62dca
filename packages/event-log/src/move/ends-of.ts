import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import { positionKey } from '../advance-offsets.ts'
import type { EventLog, Position, TopicPartition } from '../event-log.ts'

/** Every partition of every topic of this release. */
const ALL_PARTITIONS: readonly TopicPartition[] = Object.values(TOPICS).flatMap((topic) =>
  Array.from({ length: PARTITION_COUNT }, (_, partition) => ({ topic, partition })),
)

/** Where each partition of a log ends, always in the same order. */
export async function endsOf(log: EventLog): Promise<Position[]> {
  const ends = await log.end(ALL_PARTITIONS)
  const offsets = new Map(ends.map((it) => [positionKey(it.topic, it.partition), it.offset]))
  return ALL_PARTITIONS.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: offsets.get(positionKey(topic, partition)) ?? 0n,
  }))
}

/** How many records are before these ends. */
export function countRecords(ends: readonly Position[]): bigint {
  return ends.reduce((sum, { offset }) => sum + offset, 0n)
}
