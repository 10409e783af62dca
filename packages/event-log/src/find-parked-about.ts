import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { ENTRY, type EntryRow, entryOf, type ParkedEntry } from './parked-list.ts'

/** An open parked record, and the first open record of its key, if that is another one. */
export type ParkedAbout = { record: ParkedEntry; value: string; ahead: ParkedEntry | undefined }

const MOST_RECORDS = 20

/**
 * The open parked records of a group whose value has the text `about`, such as the id of a payment,
 * among those of the given order keys; 20 at most, in the order of the log.
 */
export async function findParkedAbout(
  db: Db,
  group: string,
  { about, keys }: { about: string; keys: readonly string[] },
): Promise<ParkedAbout[]> {
  const { rows } = await db.query<EntryRow & { value: string }>(sql`
    SELECT ${ENTRY}, value FROM parked_records
    WHERE consumer_group = ${group} AND resolved_at IS NULL
      AND order_key = ANY(${keys}::text[]) AND position(${about}::text IN value) > 0
    ORDER BY source, topic, partition, record_offset
    LIMIT ${MOST_RECORDS}`)
  if (rows.length === 0) return []
  const first = await findFirst(db, group, rows)
  return rows.map((row) => {
    const ahead = first.get(orderOf(row))
    const isItself = ahead === undefined || ahead.offset >= row.record_offset
    return { record: entryOf(row), value: row.value, ahead: isItself ? undefined : ahead }
  })
}

/** The first open record of each order key that the rows have. */
async function findFirst(
  db: Db,
  group: string,
  rows: readonly EntryRow[],
): Promise<Map<string, ParkedEntry>> {
  const { rows: first } = await db.query<EntryRow>(sql`
    SELECT f.* FROM unnest(${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.topic)}::text[], ${rows.map((row) => row.order_key)}::text[])
      AS k(source, topic, order_key)
    CROSS JOIN LATERAL (
      SELECT ${ENTRY} FROM parked_records p
      WHERE p.consumer_group = ${group} AND p.resolved_at IS NULL AND p.source = k.source
        AND p.topic = k.topic AND p.order_key = k.order_key
      ORDER BY p.record_offset
      LIMIT 1
    ) AS f`)
  return new Map(first.map((row) => [orderOf(row), entryOf(row)]))
}

function orderOf({ source, topic, order_key }: EntryRow): string {
  return JSON.stringify([source, topic, order_key])
}
