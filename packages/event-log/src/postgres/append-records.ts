import { smallintArray, textArray } from '@caudal/postgres/array-parameter.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { NewRecord } from '../event-log.ts'
import { partitionOf } from '../partition-of.ts'

/** The channel on which readers learn that topics have grown; its payload names the topics. */
export const CHANNEL = 'caudal_log'

// One statement, so one transaction. The heads are locked in sorted order (two relays may append to
// the same partitions), each partition's records get the next dense offsets in the order given, and
// a reader that sees an offset sees all before it, since the head's lock lasts until the commit.
const APPEND = `
  WITH new_records AS (
    SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::text[])
      WITH ORDINALITY AS r(topic, partition, record_key, value, headers, position)
  ), counts AS (
    SELECT topic, partition, count(*) AS records FROM new_records GROUP BY topic, partition
  ), locked AS (
    SELECT p.topic, p.partition
    FROM log_partitions p JOIN counts USING (topic, partition)
    ORDER BY p.topic, p.partition
    FOR UPDATE OF p
  ), heads AS (
    UPDATE log_partitions p SET next_offset = p.next_offset + c.records
    FROM counts c JOIN locked l USING (topic, partition)
    WHERE p.topic = c.topic AND p.partition = c.partition
    RETURNING p.topic, p.partition, p.next_offset - c.records AS first_offset
  ), appended AS (
    INSERT INTO log_records (topic, partition, record_offset, record_key, value, headers)
    SELECT n.topic, n.partition,
      h.first_offset - 1 + row_number()
        OVER (PARTITION BY n.topic, n.partition ORDER BY n.position),
      n.record_key, n.value, n.headers
    FROM new_records n JOIN heads h USING (topic, partition)
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM appended) AS appended, pg_notify('${CHANNEL}', $6)`

/** Appends the records in one statement; throws when a topic does not exist. */
export async function appendRecords(db: Db, records: readonly NewRecord[]): Promise<void> {
  if (records.length === 0) return
  const topics = [...new Set(records.map((record) => record.topic))]
  const result = await db.query({
    name: 'append-records',
    text: APPEND,
    values: [
      textArray(records, (record) => record.topic),
      smallintArray(records, (record) => partitionOf(record.key)),
      textArray(records, (record) => record.key),
      textArray(records, (record) => record.value),
      textArray(records, (record) => JSON.stringify(record.headers)),
      topics.join(','),
    ],
  })
  const { appended } = result.rows[0] as { appended: bigint }
  if (appended !== BigInt(records.length)) {
    throw new Error(`${BigInt(records.length) - appended} records name a topic that is not there`)
  }
}
