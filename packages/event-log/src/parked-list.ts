import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { ParkKind } from './park-error.ts'

/** Which record of which log, as a service's group consumes it. */
export type RecordPlace = { source: string; topic: string; partition: number; offset: bigint }

/** A parked record as an operator sees it. */
export type ParkedEntry = RecordPlace & {
  /** What the consumer keeps in order: later records of this key wait behind it (ADR 0021). */
  key: string
  /** The record's key in the log. */
  recordKey: string
  kind: ParkKind
  cause: string
  attempts: number
  parkedAt: Date
  nextAttemptAt: Date
  /** Undefined while it is open. */
  resolution: 'processed' | 'discarded' | undefined
}

/** What an operator did with a parked record, and why. */
export type ParkedAction = {
  action: 'redriven' | 'discarded'
  actorType: string
  actorId: string
  reason: string
  at: Date
}

/** A parked record with its content and its history. */
export type ParkedDetails = ParkedEntry & {
  value: string
  headers: Record<string, string>
  resolvedAt: Date | undefined
  actions: ParkedAction[]
  /** Open records of the same key that wait behind it. */
  behind: number
}

/** A row of `parked_records`, as `ENTRY` reads it. */
export type EntryRow = {
  source: string
  topic: string
  partition: number
  record_offset: bigint
  record_key: string
  order_key: string | null
  kind: ParkKind
  cause: string
  attempts: number
  parked_at: Date
  next_attempt_at: Date
  resolved_at: Date | null
  resolution: 'processed' | 'discarded' | null
}

/** The columns that `entryOf` reads. */
export const ENTRY = sql`source, topic, partition, record_offset, record_key, order_key, kind,
  cause, attempts, parked_at, next_attempt_at, resolved_at, resolution`

/** The open parked records of a group, oldest first, at most `limit`. */
export async function listParked(
  db: Db,
  group: string,
  { kind, limit }: { kind?: ParkKind | undefined; limit: number },
): Promise<ParkedEntry[]> {
  const { rows } = await db.query<EntryRow>(sql`
    SELECT ${ENTRY} FROM parked_records
    WHERE consumer_group = ${group} AND resolved_at IS NULL
      AND (${kind ?? null}::text IS NULL OR kind = ${kind ?? null})
    ORDER BY parked_at, topic, partition, record_offset
    LIMIT ${limit}`)
  return rows.map(entryOf)
}

/** One parked record, also a resolved one, with what operators did with it. */
export async function findParked(
  db: Db,
  group: string,
  place: RecordPlace,
): Promise<ParkedDetails | undefined> {
  const { source, topic, partition, offset } = place
  const { rows } = await db.query<
    EntryRow & { value: string; headers: string; behind: bigint }
  >(sql`
    SELECT ${ENTRY}, value, headers,
      (SELECT count(*) FROM parked_records b
       WHERE b.consumer_group = p.consumer_group AND b.source = p.source AND b.topic = p.topic
         AND b.order_key = p.order_key AND b.record_offset > p.record_offset
         AND b.resolved_at IS NULL) AS behind
    FROM parked_records p
    WHERE consumer_group = ${group} AND source = ${source} AND topic = ${topic}
      AND partition = ${partition} AND record_offset = ${offset}`)
  const [row] = rows
  if (row === undefined) return undefined
  return {
    ...entryOf(row),
    value: row.value,
    headers: JSON.parse(row.headers) as Record<string, string>,
    resolvedAt: row.resolved_at ?? undefined,
    actions: await listActions(db, group, place),
    behind: Number(row.behind),
  }
}

async function listActions(db: Db, group: string, place: RecordPlace): Promise<ParkedAction[]> {
  const { source, topic, partition, offset } = place
  const { rows } = await db.query<ParkedAction>(sql`
    SELECT action, actor_type AS "actorType", actor_id AS "actorId", reason, acted_at AS at
    FROM parked_record_actions
    WHERE consumer_group = ${group} AND source = ${source} AND topic = ${topic}
      AND partition = ${partition} AND record_offset = ${offset}
    ORDER BY action_id`)
  return rows
}

/** The parked record of a row. */
export function entryOf(row: EntryRow): ParkedEntry {
  // Release 0.1.0 resolves records without saying how: it only processes them.
  const resolution = row.resolution ?? (row.resolved_at ? 'processed' : undefined)
  return {
    source: row.source,
    topic: row.topic,
    partition: row.partition,
    offset: row.record_offset,
    key: row.order_key ?? row.record_key,
    recordKey: row.record_key,
    kind: row.kind,
    cause: row.cause,
    attempts: row.attempts,
    parkedAt: row.parked_at,
    nextAttemptAt: row.next_attempt_at,
    resolution,
  }
}
