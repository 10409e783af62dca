import { TOPICS } from '@caudal/contracts/topics.ts'
import { askLog } from '@caudal/event-log/check-positions.ts'
import { EventLogError } from '@caudal/event-log/event-log-error.ts'
import type { EventLog, TopicPartition } from '@caudal/event-log/event-log.ts'
import { type LogIds, refuseOtherLog } from '@caudal/event-log/log-identity.ts'
import { partitionOf } from '@caudal/event-log/partition-of.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** Published rows that are looked at, the newest ones. */
const PUBLISHED_ROWS = 1_000

/**
 * Refuses to publish an outbox to another log than before: its consumers would never get the events
 * that are in the other one. The outbox of release 0.1.0, which names no log, adopts this one.
 *
 * @throws {EventLogError} OTHER_LOG or OFFSET_OUT_OF_RANGE, with a message that states what to do
 */
export async function checkOutboxLog(db: Db, log: EventLog, service: string): Promise<void> {
  const owner = `the outbox of ${service}`
  const topics = Object.values(TOPICS)
  const here = await askLog(() => log.identify(topics))
  const known = await selectOutboxLogs(db)
  refuseOtherLog(owner, known, here)
  if (known.size === topics.length) return
  if (known.size === 0) await refuseEmptyLog(db, log, owner)
  await db.query(sql`
    INSERT INTO outbox_logs (topic, log_id)
    SELECT * FROM unnest(${[...here.keys()]}::text[], ${[...here.values()]}::text[])
    ON CONFLICT DO NOTHING`)
  refuseOtherLog(owner, await selectOutboxLogs(db), here)
}

/** The identity of the log that an outbox is published to, by topic. */
export async function selectOutboxLogs(db: Db): Promise<LogIds> {
  const { rows } = await db.query<{ topic: string; log_id: string }>(
    sql`SELECT topic, log_id FROM outbox_logs`,
  )
  return new Map(rows.map((row) => [row.topic, row.log_id]))
}

/** What was published last must be in the log: a partition of it that is empty is another log's. */
async function refuseEmptyLog(db: Db, log: EventLog, owner: string): Promise<void> {
  const { rows } = await db.query<{ topic: string; record_key: string }>(sql`
    SELECT DISTINCT topic, record_key FROM (
      SELECT o.topic, o.record_key FROM outbox_progress p
      JOIN outbox o ON o.id <= p.published_to
      WHERE NOT EXISTS (SELECT FROM outbox_unpublished u WHERE u.id = o.id)
      ORDER BY o.id DESC LIMIT ${PUBLISHED_ROWS}
    ) AS published`)
  const used = new Map<string, TopicPartition>()
  for (const { topic, record_key: key } of rows) {
    const partition = partitionOf(key)
    used.set(`${topic} ${partition}`, { topic, partition })
  }
  const ends = await askLog(() => log.end([...used.values()]))
  const empty = ends.find(({ offset }) => offset === 0n)
  if (empty === undefined) return
  throw new EventLogError(
    'OFFSET_OUT_OF_RANGE',
    `${owner} was published to partition ${empty.partition} of ${empty.topic}, which is empty in ` +
      'this event log: it is another log. Start with the log that the system had (KAFKA_BROKERS, ' +
      'KAFKA_PREFIX, CAUDAL_LOG_DATABASE_URL), or restore it.',
  )
}
