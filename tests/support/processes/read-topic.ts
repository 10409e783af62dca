import { PARTITION_COUNT } from '@caudal/contracts/topics.ts'
import type { EventLog, LogRecord } from '@caudal/event-log/event-log.ts'

const READ_MS = 1_000

/** Reads all current records of a topic, ordered per partition. */
export async function readTopic(log: EventLog, topic: string): Promise<LogRecord[]> {
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) => ({
    topic,
    partition,
  }))
  const ends = new Map((await log.end(partitions)).map((it) => [it.partition, it.offset]))
  const positions = new Map((await log.earliest(partitions)).map((it) => [it.partition, it]))
  const records: LogRecord[] = []
  const { signal } = new AbortController()
  for (;;) {
    const open = [...positions.values()].filter((it) => it.offset < ends.get(it.partition)!)
    if (open.length === 0) return records
    const read = await log.read(open, { maxRecords: 1_000, waitMs: READ_MS, signal })
    for (const record of read) {
      records.push(record)
      const { partition, offset } = record
      positions.set(partition, { topic, partition, offset: offset + 1n })
    }
  }
}
