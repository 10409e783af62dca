import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import type { ConsumerId } from './consumer-id.ts'
import type { LogRecord } from './event-log.ts'
import type { ParkKind } from './park-error.ts'
import { storableCause } from './storable.ts'

const BACKOFF = { baseMs: 1_000, mostMs: 60_000 }

/** The parked records have been processed, in the same transaction. */
export async function resolveParked(
  tx: Tx,
  { group, source }: ConsumerId,
  records: readonly LogRecord[],
): Promise<void> {
  if (records.length === 0) return
  await tx.query(sql`
    UPDATE parked_records p SET resolved_at = now(), resolution = 'processed'
    FROM unnest(
      ${records.map((it) => it.topic)}::text[],
      ${records.map((it) => it.partition)}::smallint[],
      ${records.map((it) => it.offset)}::bigint[]
    ) AS r(topic, partition, record_offset)
    WHERE p.consumer_group = ${group} AND p.source = ${source} AND p.topic = r.topic
      AND p.partition = r.partition AND p.record_offset = r.record_offset`)
}

/** A parked record whose attempt failed, with the number of attempts before. */
export type Postponed = { record: LogRecord; attempts: number; kind: ParkKind; cause: string }

/** Another attempt failed; the next comes later, at most a minute away. */
export async function postponeParked(
  tx: Tx,
  { group, source }: ConsumerId,
  postponed: readonly Postponed[],
): Promise<void> {
  if (postponed.length === 0) return
  const delaysMs = postponed.map(({ attempts }) => backoffMs(BACKOFF, attempts, Math.random()))
  await tx.query(sql`
    UPDATE parked_records p
    SET attempts = p.attempts + 1, kind = r.kind, cause = r.cause, redriven_at = NULL,
      next_attempt_at = now() + r.delay_ms * interval '1 millisecond'
    FROM unnest(
      ${postponed.map((it) => it.record.topic)}::text[],
      ${postponed.map((it) => it.record.partition)}::smallint[],
      ${postponed.map((it) => it.record.offset)}::bigint[],
      ${postponed.map((it) => it.kind)}::text[],
      ${postponed.map((it) => storableCause(it.cause))}::text[],
      ${delaysMs}::float8[]
    ) AS r(topic, partition, record_offset, kind, cause, delay_ms)
    WHERE p.consumer_group = ${group} AND p.source = ${source} AND p.topic = r.topic
      AND p.partition = r.partition AND p.record_offset = r.record_offset`)
}
