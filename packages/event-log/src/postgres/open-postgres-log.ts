import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { EventLogError } from '../event-log-error.ts'
import type { EventLog, LogRecord, Position, ReadOptions, TopicPartition } from '../event-log.ts'
import { embeddedLogId, type LogIds } from '../log-identity.ts'
import { appendRecords } from './append-records.ts'
import { joinGroup } from './join-group.ts'
import { readRecords } from './read-records.ts'
import { openTopicSignals, type TopicSignals } from './topic-signals.ts'

export type PostgresLogOptions = {
  /** The log's database, for the role that runs. */
  url: string
  topics?: readonly string[]
  metrics?: Metrics
  onError?: (error: Error) => void
}

/**
 * The log in PostgreSQL: the embedded default, for one machine (ADR 0003).
 *
 * @throws {Error} when a topic is missing or has another number of partitions (rule 3)
 */
export async function openPostgresLog(options: PostgresLogOptions): Promise<EventLog> {
  const { url, topics = Object.values(TOPICS), metrics, onError } = options
  const db = createPool({
    url,
    applicationName: 'caudal-log',
    max: 6,
    ...(metrics && { metrics }),
    ...(onError && { onError }),
  })
  try {
    await checkTopics(db, topics)
    const signals = await openTopicSignals(url)
    return {
      append: (records) => appendRecords(db, records),
      read: (positions, readOptions) => read(db, signals, positions, readOptions),
      join: (group, groupTopics, listen) => joinGroup(url, group, groupTopics, listen),
      // Nothing is ever removed from this log.
      earliest: async (partitions) => partitions.map((it) => ({ ...it, offset: 0n })),
      end: (partitions) => endOffsets(db, partitions),
      identify: (names) => identify(db, names),
      close: async () => {
        await signals.close()
        await db.end()
      },
    }
  } catch (error) {
    await db.end()
    throw error
  }
}

async function checkTopics(db: Db, topics: readonly string[]): Promise<void> {
  const { rows } = await db.query<{ topic: string; partitions: bigint }>(sql`
    SELECT t.topic, count(l.topic) AS partitions
    FROM unnest(${topics}::text[]) AS t(topic) LEFT JOIN log_partitions l USING (topic)
    GROUP BY t.topic HAVING count(l.topic) <> ${PARTITION_COUNT} ORDER BY t.topic`)
  const [wrong] = rows
  if (wrong === undefined) return
  if (wrong.partitions === 0n) {
    throw new Error(`topic ${wrong.topic} is not in the event log: run "caudal migrate"`)
  }
  throw new Error(
    `topic ${wrong.topic} has ${wrong.partitions} partitions instead of ${PARTITION_COUNT}: ` +
      'a different count would move keys to other partitions',
  )
}

/** Once its copy in Kafka is complete, nothing may use this log any more. */
async function identify(db: Db, topics: readonly string[]): Promise<LogIds> {
  const { rows } = await db.query<{ log_id: string; moved: boolean }>(sql`
    SELECT log_id, EXISTS (SELECT FROM log_moves WHERE step <> 'copying') AS moved
    FROM log_identity`)
  const { log_id: logId, moved } = rows[0]!
  if (moved) {
    const message =
      `the embedded event log ${logId} was moved to Kafka. Set KAFKA_BROKERS (and KAFKA_PREFIX) ` +
      'as for "caudal move-log"; if that was interrupted, run it again.'
    throw new EventLogError('OTHER_LOG', message)
  }
  const id = embeddedLogId(logId)
  return new Map(topics.map((topic) => [topic, id]))
}

async function read(
  db: Db,
  signals: TopicSignals,
  positions: readonly Position[],
  { maxRecords, waitMs, signal }: ReadOptions,
): Promise<LogRecord[]> {
  const topics = new Set(positions.map((position) => position.topic))
  const seen = signals.countOf(topics)
  const records = await readRecords(db, positions, maxRecords)
  if (records.length > 0 || signal.aborted) return records
  // What was appended since the query began must not wait for the next signal.
  if (signals.countOf(topics) === seen) await signals.wait(topics, waitMs, signal)
  return signal.aborted ? [] : readRecords(db, positions, maxRecords)
}

async function endOffsets(db: Db, partitions: readonly TopicPartition[]): Promise<Position[]> {
  const { rows } = await db.query<{ topic: string; partition: number; next_offset: bigint }>(sql`
    SELECT h.topic, h.partition, h.next_offset
    FROM unnest(
      ${partitions.map((it) => it.topic)}::text[],
      ${partitions.map((it) => it.partition)}::smallint[]
    ) AS p(topic, partition)
    JOIN log_partitions h USING (topic, partition)`)
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    offset: row.next_offset,
  }))
}
