import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { ConsumerId } from './consumer-id.ts'
import { type OrderBy, orderKeyOfRecord } from './order-key.ts'

const ROWS_AT_MOST = 1_000

type UnorderedRow = {
  topic: string
  partition: number
  record_offset: bigint
  record_key: string
  value: string
}

/**
 * Gives the open parked records of release 0.1.0 the order keys that it did not know, so that they
 * keep waiting only those that belong behind them (ADR 0021).
 */
export async function nameOrderKeys(
  target: ConsumerId & { db: Db; orderBy: OrderBy },
): Promise<void> {
  for (;;) {
    const rows = await selectUnordered(target)
    if (rows.length > 0) await saveOrderKeys(target, rows)
    if (rows.length < ROWS_AT_MOST) return
  }
}

/** Records of topics that the service no longer consumes stay as they are. */
async function selectUnordered({
  db,
  orderBy,
  group,
  source,
}: Parameters<typeof nameOrderKeys>[0]): Promise<UnorderedRow[]> {
  const { rows } = await db.query<UnorderedRow>(sql`
    SELECT topic, partition, record_offset, record_key, value FROM parked_records
    WHERE consumer_group = ${group} AND source = ${source} AND resolved_at IS NULL
      AND order_key IS NULL AND topic = ANY(${Object.keys(orderBy)}::text[])
    LIMIT ${ROWS_AT_MOST}`)
  return rows
}

async function saveOrderKeys(
  { db, orderBy, group, source }: Parameters<typeof nameOrderKeys>[0],
  rows: readonly UnorderedRow[],
): Promise<void> {
  const orderKeys = rows.map(({ record_offset: offset, record_key: key, ...it }) =>
    orderKeyOfRecord(orderBy, { ...it, offset, key, headers: {} }),
  )
  await db.query(sql`
    UPDATE parked_records p SET order_key = r.order_key
    FROM unnest(
      ${rows.map((it) => it.topic)}::text[],
      ${rows.map((it) => it.partition)}::smallint[],
      ${rows.map((it) => it.record_offset)}::bigint[],
      ${orderKeys}::text[]
    ) AS r(topic, partition, record_offset, order_key)
    WHERE p.consumer_group = ${group} AND p.source = ${source} AND p.topic = r.topic
      AND p.partition = r.partition AND p.record_offset = r.record_offset
      AND p.order_key IS NULL`)
}
