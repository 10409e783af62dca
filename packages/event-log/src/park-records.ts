import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { LogRecord } from './event-log.ts'
import type { Parked, ParkKind } from './park-error.ts'

/** Puts records aside, in the transaction that moves the offsets over them (rule 11). */
export async function parkRecords(tx: Tx, group: string, parked: readonly Parked[]): Promise<void> {
  await tx.query(
    `INSERT INTO parked_records (consumer_group, topic, partition, record_offset, record_key,
       value, headers, kind, cause)
     SELECT $1, * FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::text[], $6::text[],
       $7::text[], $8::text[], $9::text[])
     ON CONFLICT DO NOTHING`,
    [
      group,
      parked.map((it) => it.record.topic),
      parked.map((it) => it.record.partition),
      parked.map((it) => it.record.offset),
      parked.map((it) => it.record.key),
      parked.map((it) => it.record.value),
      parked.map((it) => JSON.stringify(it.record.headers)),
      parked.map((it) => it.kind),
      parked.map((it) => it.cause),
    ],
  )
}

/** Records that are still parked: what readiness and the metric say. */
export async function countParked(db: Db, group: string): Promise<number> {
  const { rows } = await db.query<{ parked: bigint }>(
    `SELECT count(*) AS parked FROM parked_records
     WHERE consumer_group = $1 AND resolved_at IS NULL`,
    [group],
  )
  return Number(rows[0]!.parked)
}

type ParkedRow = {
  topic: string
  partition: number
  record_offset: bigint
  record_key: string
  value: string
  headers: string
}

/**
 * Locks the first open record of each parked key whose time has come; a record behind another one
 * is never taken, so the order per key holds.
 */
export async function takeDueParked(tx: Tx, group: string): Promise<LogRecord | undefined> {
  const { rows } = await tx.query<ParkedRow>(
    `SELECT p.topic, p.partition, p.record_offset, p.record_key, p.value, p.headers
     FROM parked_records p
     WHERE p.consumer_group = $1 AND p.resolved_at IS NULL AND p.kind = 'waiting'
       AND p.next_attempt_at <= now()
       AND NOT EXISTS (
         SELECT 1 FROM parked_records earlier
         WHERE earlier.consumer_group = p.consumer_group AND earlier.topic = p.topic
           AND earlier.record_key = p.record_key AND earlier.resolved_at IS NULL
           AND earlier.record_offset < p.record_offset)
     ORDER BY p.next_attempt_at, p.topic, p.partition, p.record_offset
     LIMIT 1
     FOR UPDATE OF p SKIP LOCKED`,
    [group],
  )
  const [row] = rows
  if (!row) return undefined
  return {
    topic: row.topic,
    partition: row.partition,
    offset: row.record_offset,
    key: row.record_key,
    value: row.value,
    headers: JSON.parse(row.headers) as Record<string, string>,
  }
}

/** The parked record has been processed, in the same transaction. */
export async function resolveParked(tx: Tx, group: string, record: LogRecord): Promise<void> {
  await tx.query(
    `UPDATE parked_records SET resolved_at = now()
     WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset = $4`,
    [group, record.topic, record.partition, record.offset],
  )
}

/** Another try failed; the next comes later, at most a minute away. */
export async function postponeParked(
  db: Db | Tx,
  group: string,
  record: LogRecord,
  kind: ParkKind,
  cause: string,
): Promise<void> {
  await db.query(
    `UPDATE parked_records
     SET attempts = attempts + 1, kind = $5, cause = $6,
       next_attempt_at = now() + least(60, 0.5 * 2 ^ least(attempts, 8)) * interval '1 second'
     WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset = $4`,
    [group, record.topic, record.partition, record.offset, kind, cause],
  )
}
