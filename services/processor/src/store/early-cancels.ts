import { TOPICS } from '@caudal/contracts/topics.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'

/** Offsets of the topic funds.reserved, by partition. */
export type Offsets = ReadonlyMap<number, bigint>

/** A payment that was canceled early, and what was consumed of the topic when it was. */
export type EarlyCancel = { paymentId: string; nextOffsets: Offsets }

/** An upgrade does not take longer. */
const LOOKED_FOR = raw("interval '30 days'")
const MOST = 10_000

/** What the service has consumed of the topic, as JSON by partition. */
export const consumedOffsets: Sql = sql`(
  SELECT coalesce(jsonb_object_agg(o.partition::text, o.next_offset), '{}'::jsonb)
  FROM consumer_offsets o
  WHERE o.consumer_group = 'processor' AND o.source = 'local'
    AND o.topic = ${TOPICS.fundsReserved})`

type Row = { payment_id: string; next_offsets: Record<string, number> }

/** Early cancels whose request was not seen here. */
export async function findEarlyCancels(db: Db): Promise<EarlyCancel[]> {
  const { rows } = await db.query<Row>(sql`
    SELECT e.payment_id, e.next_offsets FROM early_cancels e JOIN payments p USING (payment_id)
    WHERE e.canceled_at > statement_timestamp() - ${LOOKED_FOR} AND p.finished_at IS NULL
    ORDER BY e.canceled_at LIMIT ${MOST}`)
  return rows.map(({ payment_id: paymentId, next_offsets: offsets }) => ({
    paymentId,
    nextOffsets: offsetsOf(offsets),
  }))
}

/** What the service has consumed by now. */
export async function findConsumed(db: Db): Promise<Offsets> {
  const { rows } = await db.query<{ offsets: Row['next_offsets'] }>(
    sql`SELECT ${consumedOffsets} AS offsets`,
  )
  return offsetsOf(rows[0]?.offsets ?? {})
}

/** The log was searched for the requests of these payments up to the offsets. */
export async function keepSearched(
  tx: Tx,
  paymentIds: readonly string[],
  searched: Offsets,
): Promise<void> {
  const offsets = Object.fromEntries([...searched].map(([at, offset]) => [at, Number(offset)]))
  await tx.query(sql`
    UPDATE early_cancels SET next_offsets = ${JSON.stringify(offsets)}::jsonb
    WHERE payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[])`)
}

function offsetsOf(offsets: Row['next_offsets']): Offsets {
  return new Map(Object.entries(offsets).map(([at, offset]) => [Number(at), BigInt(offset)]))
}
