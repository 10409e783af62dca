import { sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { ConsumerId } from './consumer-id.ts'
import type { OrderedParked, ParkKind } from './park-error.ts'
import { storableCause, storableKey, storableValue } from './storable.ts'

/** Puts records aside, in the transaction that moves the offsets over them (rule 11). */
export async function parkRecords(
  tx: Tx,
  { group, source }: ConsumerId,
  parked: readonly OrderedParked[],
): Promise<void> {
  await tx.query(sql`
    INSERT INTO parked_records (consumer_group, source, topic, partition, record_offset,
      record_key, value, headers, kind, cause, order_key)
    SELECT ${group}, ${source}, * FROM unnest(
      ${parked.map((it) => it.record.topic)}::text[],
      ${parked.map((it) => it.record.partition)}::smallint[],
      ${parked.map((it) => it.record.offset)}::bigint[],
      ${parked.map((it) => storableKey(it.record.key))}::text[],
      ${parked.map((it) => storableValue(it.record.value))}::text[],
      ${parked.map((it) => JSON.stringify(it.record.headers))}::text[],
      ${parked.map((it) => it.kind)}::text[],
      ${parked.map((it) => storableCause(it.cause))}::text[],
      ${parked.map((it) => it.orderKey)}::text[]
    )
    ON CONFLICT DO NOTHING`)
}

/** How many records are parked, by kind. */
export type ParkedCounts = Record<ParkKind, number>

export const NOTHING_PARKED: Readonly<ParkedCounts> = { waiting: 0, newer: 0, unprocessable: 0 }

/** Records that are still parked: what readiness and the metric report. */
export async function countParked(db: Db, { group, source }: ConsumerId): Promise<ParkedCounts> {
  const { rows } = await db.query<{ kind: ParkKind; parked: bigint }>(sql`
    SELECT kind, count(*) AS parked FROM parked_records
    WHERE consumer_group = ${group} AND source = ${source} AND resolved_at IS NULL
    GROUP BY kind`)
  const counts = { ...NOTHING_PARKED }
  for (const { kind, parked } of rows) counts[kind] = Number(parked)
  return counts
}
