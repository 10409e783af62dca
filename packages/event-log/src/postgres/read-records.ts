import { bigintArray, smallintArray, textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { LogRecord, Position } from '../event-log.ts'

type Row = {
  topic: string
  partition: number
  record_offset: bigint
  record_key: string
  value: string
  headers: string
}

/** What follows the positions, at most `maxRecords`, in order per partition. */
export async function readRecords(
  db: Db,
  positions: readonly Position[],
  maxRecords: number,
): Promise<LogRecord[]> {
  // Partitions without news are left out by their head; the others give what follows, evenly: the
  // records are taken by their distance from the position, so a long partition starves no other.
  const statement = sql`
    SELECT r.topic, r.partition, r.record_offset, r.record_key, r.value, r.headers
    FROM unnest(
      ${textArray(positions, (position) => position.topic)}::text[],
      ${smallintArray(positions, (position) => position.partition)}::smallint[],
      ${bigintArray(positions, (position) => position.offset)}::bigint[]
    ) AS p(topic, partition, next_offset)
    JOIN log_partitions h
      ON h.topic = p.topic AND h.partition = p.partition AND h.next_offset > p.next_offset
    CROSS JOIN LATERAL (
      SELECT * FROM log_records r
      WHERE r.topic = p.topic AND r.partition = p.partition AND r.record_offset >= p.next_offset
      ORDER BY r.record_offset
      LIMIT ${maxRecords}
    ) r
    ORDER BY r.record_offset - p.next_offset, r.topic, r.partition
    LIMIT ${maxRecords}`
  const { rows } = await db.query<Row>(named('read-records', statement))
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    offset: row.record_offset,
    key: row.record_key,
    value: row.value,
    headers: headersOf(row.headers),
  }))
}

/**
 * The headers of a record. A writer can store any text as headers; what is no header is left out,
 * because a read that fails would stop all consumers of the topic.
 */
function headersOf(text: string): Record<string, string> {
  const isHeader = (entry: [string, unknown]): entry is [string, string] =>
    typeof entry[1] === 'string'
  try {
    const stored: unknown = JSON.parse(text)
    const isObject = typeof stored === 'object' && stored !== null && !Array.isArray(stored)
    return isObject ? Object.fromEntries(Object.entries(stored).filter(isHeader)) : {}
  } catch {
    return {}
  }
}
