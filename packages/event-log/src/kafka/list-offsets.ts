import { type Consumer, ListOffsetTimestamps } from '@platformatic/kafka'
import type { Position, TopicPartition } from '../event-log.ts'

/** Asks the leaders for the first or the next offset of each partition. */
export async function listOffsets(
  client: Consumer,
  partitions: readonly TopicPartition[],
  which: 'earliest' | 'end',
): Promise<Position[]> {
  if (partitions.length === 0) return []
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  const offsets = await client.listOffsets({
    topics: [...byTopic.keys()],
    partitions: Object.fromEntries(
      [...byTopic].map(([topic, its]) => [topic, its.map(({ partition }) => partition)]),
    ),
    timestamp: which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST,
  })
  return partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: offsets.get(topic)![partition]!,
  }))
}
