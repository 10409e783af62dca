import type { Actor } from '@caudal/contracts/actor.ts'
import { sql } from '@caudal/postgres/sql.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { RecordPlace } from './parked-list.ts'

/** What an operator asks for, with the reason that is kept. */
export type ParkedCommand = { action: 'redriven' | 'discarded'; actor: Actor; reason: string }

/**
 * Redrives or discards parked records. A redriven record is due now; in order per key, so behind
 * the earlier ones of its key. A discarded record is never processed, and those behind it are free.
 * Returns the places of the records that were open, which are those that it changed.
 */
export async function actOnParked(
  db: Db,
  group: string,
  places: readonly RecordPlace[],
  command: ParkedCommand,
): Promise<RecordPlace[]> {
  return transaction(db, async (tx) => {
    const changed = await change(tx, group, places, command)
    await recordActions(tx, group, changed, command)
    return changed
  })
}

type PlaceRow = { source: string; topic: string; partition: number; record_offset: bigint }

async function change(
  tx: Tx,
  group: string,
  places: readonly RecordPlace[],
  { action }: ParkedCommand,
): Promise<RecordPlace[]> {
  const columns = columnsOf(places)
  const assignments =
    action === 'redriven'
      ? sql`kind = 'waiting', next_attempt_at = now(), redriven_at = now()`
      : sql`resolved_at = now(), resolution = 'discarded'`
  // Rows are locked in the order of their key, so that two operators cannot deadlock.
  const { rows } = await tx.query<PlaceRow>(sql`
    WITH locked AS MATERIALIZED (
      SELECT p.source, p.topic, p.partition, p.record_offset
      FROM parked_records p
      JOIN unnest(${columns.sources}::text[], ${columns.topics}::text[],
        ${columns.partitions}::smallint[], ${columns.offsets}::bigint[]
      ) AS r(source, topic, partition, record_offset)
        USING (source, topic, partition, record_offset)
      WHERE p.consumer_group = ${group}
      ORDER BY p.source, p.topic, p.partition, p.record_offset
      FOR UPDATE OF p
    )
    UPDATE parked_records p SET ${assignments}
    FROM locked r
    WHERE p.consumer_group = ${group} AND p.source = r.source AND p.topic = r.topic
      AND p.partition = r.partition AND p.record_offset = r.record_offset
      AND p.resolved_at IS NULL
    RETURNING p.source, p.topic, p.partition, p.record_offset`)
  return rows.map(({ record_offset: offset, ...place }) => ({ ...place, offset }))
}

async function recordActions(
  tx: Tx,
  group: string,
  places: readonly RecordPlace[],
  { action, actor, reason }: ParkedCommand,
): Promise<void> {
  const columns = columnsOf(places)
  await tx.query(sql`
    INSERT INTO parked_record_actions (consumer_group, source, topic, partition, record_offset,
      action, actor_type, actor_id, reason)
    SELECT ${group}, r.*, ${action}, ${actor.type}, ${actor.id}, ${reason}
    FROM unnest(${columns.sources}::text[], ${columns.topics}::text[],
      ${columns.partitions}::smallint[], ${columns.offsets}::bigint[]) AS r`)
}

function columnsOf(places: readonly RecordPlace[]) {
  return {
    sources: places.map((it) => it.source),
    topics: places.map((it) => it.topic),
    partitions: places.map((it) => it.partition),
    offsets: places.map((it) => it.offset),
  }
}
