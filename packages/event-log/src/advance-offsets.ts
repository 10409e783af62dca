import { bigintArray, smallintArray, textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { ConsumerId } from './consumer-id.ts'
import type { LogRecord, Position } from './event-log.ts'

/** SQLSTATE raised when an offset is no longer where this consumer believes it to be (rule 1). */
const OFFSETS_MOVED = 'CA001'

/** How far a batch moves one partition. */
export type Advance = { topic: string; partition: number; from: bigint; to: bigint }

/** The keys of a batch, each once: those of its order, and those of its records. */
export type BatchKeys = { orderKeys: readonly string[]; recordKeys: readonly string[] }

/** The parked keys of a batch. */
export type BlockedKeys = {
  /** Of records with an order key: `topic orderKey`. */
  ordered: ReadonlySet<string>
  /** Of records that release 0.1.0 parked, until their order keys are known: `topic recordKey`. */
  unordered: ReadonlySet<string>
}

/**
 * Moves the group's offsets by compare-and-set and returns the parked keys of the batch. Raises
 * when another consumer was there first; see `isOffsetsMoved` (ADR 0002).
 */
export async function advanceOffsets(
  tx: Tx,
  { group, source }: ConsumerId,
  advances: readonly Advance[],
  keys: BatchKeys,
): Promise<BlockedKeys> {
  // Locks in sorted order, moves all or raises, and returns which keys of the batch are parked. A
  // lost compare raises here, before any effect that travels behind this statement.
  const statement = sql`
    WITH wanted AS (
      SELECT * FROM unnest(
        ${textArray(advances, (it) => it.topic)}::text[],
        ${smallintArray(advances, (it) => it.partition)}::smallint[],
        ${bigintArray(advances, (it) => it.from)}::bigint[],
        ${bigintArray(advances, (it) => it.to)}::bigint[]
      ) AS w(topic, partition, from_offset, to_offset)
    ), locked AS (
      SELECT o.topic, o.partition
      FROM consumer_offsets o JOIN wanted w USING (topic, partition)
      WHERE o.consumer_group = ${group} AND o.source = ${source}
        AND o.next_offset = w.from_offset
      ORDER BY o.topic, o.partition
      FOR UPDATE OF o
    ), moved AS (
      UPDATE consumer_offsets o SET next_offset = w.to_offset, moved_at = now()
      FROM wanted w JOIN locked l USING (topic, partition)
      WHERE o.consumer_group = ${group} AND o.source = ${source} AND o.topic = w.topic
        AND o.partition = w.partition AND o.next_offset = w.from_offset
      RETURNING 1
    )
    SELECT
      require_that(
        (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted),
        ${OFFSETS_MOVED}, 'the offsets have been moved by another consumer'
      ),
      ARRAY(
        SELECT DISTINCT p.topic || ' ' || p.order_key FROM parked_records p
        WHERE p.consumer_group = ${group} AND p.source = ${source} AND p.resolved_at IS NULL
          AND p.order_key = ANY(${textArray(keys.orderKeys, (key) => key)}::text[])
      ) AS ordered,
      ARRAY(
        SELECT DISTINCT p.topic || ' ' || p.record_key FROM parked_records p
        WHERE p.consumer_group = ${group} AND p.source = ${source} AND p.resolved_at IS NULL
          AND p.order_key IS NULL
          AND p.record_key = ANY(${textArray(keys.recordKeys, (key) => key)}::text[])
      ) AS unordered`
  const { rows } = await tx.query<{ ordered: string[]; unordered: string[] }>(
    named('advance-offsets', statement),
  )
  const { ordered, unordered } = rows[0]!
  return { ordered: new Set(ordered), unordered: new Set(unordered) }
}

/** Whether the error is the refused compare-and-set of `advanceOffsets`. */
export function isOffsetsMoved(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === OFFSETS_MOVED
}

/** How far the records move each partition from the positions that they were read from. */
export function advancesOf(records: readonly LogRecord[], positions: Positions): Advance[] {
  const advances = new Map<string, Advance>()
  for (const { topic, partition, offset } of records) {
    const key = positionKey(topic, partition)
    const known = advances.get(key)
    if (known) known.to = offset + 1n
    else advances.set(key, { topic, partition, from: positions.get(key)!, to: offset + 1n })
  }
  return [...advances.values()]
}

/** The next offset of each partition, by `positionKey`. */
export type Positions = Map<string, bigint>

/** The key of a partition in `Positions`. */
export function positionKey(topic: string, partition: number): string {
  return `${topic} ${partition}`
}

/** The positions as the log takes them. */
export function positionList(positions: Positions): Position[] {
  return [...positions].map(([key, offset]) => {
    const [topic, partition] = key.split(' ') as [string, string]
    return { topic, partition: Number(partition), offset }
  })
}
