import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { RecordPlace } from './parked-list.ts'

type Row = RecordPlace & { ahead: bigint }

/** A parked record, and the first open record of its key, for which it waits. */
export type RecordBehind = { place: RecordPlace; ahead: RecordPlace }

/** Which of the open parked records stand behind an earlier open record of the same key. */
export async function findAhead(
  db: Db,
  group: string,
  places: readonly RecordPlace[],
): Promise<RecordBehind[]> {
  const { rows } = await db.query<Row>(sql`
    SELECT p.source, p.topic, p.partition, p.record_offset AS offset, a.ahead
    FROM unnest(${places.map((it) => it.source)}::text[], ${places.map((it) => it.topic)}::text[],
      ${places.map((it) => it.partition)}::smallint[], ${places.map((it) => it.offset)}::bigint[]
    ) WITH ORDINALITY AS r(source, topic, partition, record_offset, position)
    JOIN parked_records p USING (source, topic, partition, record_offset)
    CROSS JOIN LATERAL (
      SELECT min(b.record_offset) AS ahead FROM parked_records b
      WHERE b.consumer_group = p.consumer_group AND b.source = p.source AND b.topic = p.topic
        AND b.order_key = p.order_key AND b.record_offset < p.record_offset
        AND b.resolved_at IS NULL
    ) a
    WHERE p.consumer_group = ${group} AND p.resolved_at IS NULL AND a.ahead IS NOT NULL
    ORDER BY r.position`)
  return rows.map(({ ahead, ...place }) => ({ place, ahead: { ...place, offset: ahead } }))
}
