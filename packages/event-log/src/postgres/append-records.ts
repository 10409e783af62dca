import { intArray, smallintArray, textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { EventLogError } from '../event-log-error.ts'
import type { NewRecord } from '../event-log.ts'
import { partitionOf } from '../partition-of.ts'

/** The channel on which readers learn that topics have grown; its payload names the topics. */
export const CHANNEL = 'caudal_log'

/** The records of one partition, counted; `number` is its place in the arrays, from 1. */
interface Share {
  number: number
  topic: string
  partition: number
  records: number
}

/**
 * Appends the records in one statement.
 *
 * @throws {EventLogError} EVENT_LOG_REFUSED when a topic is not there; nothing was appended then
 */
export async function appendRecords(db: Db, records: readonly NewRecord[]): Promise<void> {
  if (records.length === 0) return
  const { shares, places } = shareOut(records)
  const names = [...new Set(shares.map((share) => share.topic))].join(',')
  const topics = textArray(shares, (share) => share.topic)
  const partitions = smallintArray(shares, (share) => share.partition)
  // One statement, so one transaction. The heads are locked in sorted order (two relays may append
  // to the same partitions), each partition's records get the next dense offsets in the order
  // given, and a reader that sees an offset sees all before it, since the head's lock lasts until
  // the commit. Only counts and places are joined: the records themselves are unnested side by side
  // on their way into the table, so that nothing stores them once more.
  const statement = sql`
    WITH shares AS (
      SELECT * FROM unnest(
        ${topics}::text[], ${partitions}::smallint[],
        ${intArray(shares, (share) => share.records)}::int[]
      ) WITH ORDINALITY AS s(topic, partition, records, share)
    ), locked AS (
      SELECT p.topic, p.partition
      FROM log_partitions p JOIN shares USING (topic, partition)
      ORDER BY p.topic, p.partition
      FOR UPDATE OF p
    ), heads AS (
      UPDATE log_partitions p SET next_offset = p.next_offset + s.records
      FROM shares s JOIN locked l USING (topic, partition)
      WHERE p.topic = s.topic AND p.partition = s.partition
      RETURNING s.share, p.next_offset - s.records AS first_offset
    ), first_offsets AS (
      SELECT array_agg(h.first_offset ORDER BY s.share) AS by_share
      FROM shares s LEFT JOIN heads h USING (share)
    ), appended AS (
      INSERT INTO log_records (topic, partition, record_offset, record_key, value, headers)
      SELECT (${topics}::text[])[share], (${partitions}::smallint[])[share],
        (SELECT by_share FROM first_offsets)[share] + place, record_key, value, headers
      FROM (
        SELECT unnest(${intArray(places, ({ share }) => share.number)}::int[]) AS share,
          unnest(${intArray(places, ({ place }) => place)}::int[]) AS place,
          unnest(${textArray(records, (record) => record.key)}::text[]) AS record_key,
          unnest(${textArray(records, (record) => record.value)}::text[]) AS value,
          unnest(${textArray(records, (it) => JSON.stringify(it.headers))}::text[]) AS headers
      ) AS r
    )
    SELECT pg_notify(${CHANNEL}, ${names})`
  const appended = db.query(named('append-records', statement))
  await appended.catch((error: unknown) => {
    if (!hasNoOffset(error)) throw error
    // Without its cause, which quotes the record.
    throw new EventLogError('EVENT_LOG_REFUSED', `not all of these topics are there: ${names}`)
  })
}

/** PostgreSQL's not_null_violation: a partition without a head gives its records no offsets. */
function hasNoOffset(error: unknown): boolean {
  const { code, column } = error as { code?: unknown; column?: unknown }
  return code === '23502' && column === 'record_offset'
}

/** The share that each record belongs to, and how many of the share come before it. */
function shareOut(records: readonly NewRecord[]): {
  shares: Share[]
  places: { share: Share; place: number }[]
} {
  const shares = new Map<string, Share>()
  const places = records.map(({ topic, key }) => {
    const partition = partitionOf(key)
    const name = `${topic}/${partition}`
    let share = shares.get(name)
    if (share === undefined) {
      share = { number: shares.size + 1, topic, partition, records: 0 }
      shares.set(name, share)
    }
    const place = share.records
    share.records += 1
    return { share, place }
  })
  return { shares: [...shares.values()], places }
}
