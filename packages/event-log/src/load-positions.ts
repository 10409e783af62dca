import type { Db } from '@caudal/postgres/types.ts'
import { positionKey, type Positions } from './advance-offsets.ts'
import type { EventLog, TopicPartition } from './event-log.ts'

/** The group's positions from the service's database; a new partition starts at its beginning. */
export async function loadPositions(
  db: Db,
  log: EventLog,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Positions> {
  let positions = await selectPositions(db, group, partitions)
  const unknown = partitions.filter((it) => !positions.has(positionKey(it.topic, it.partition)))
  if (unknown.length > 0) {
    const earliest = await log.earliest(unknown)
    await db.query(
      `INSERT INTO consumer_offsets (consumer_group, topic, partition, next_offset)
       SELECT $1, * FROM unnest($2::text[], $3::smallint[], $4::bigint[])
       ON CONFLICT DO NOTHING`,
      [
        group,
        earliest.map((it) => it.topic),
        earliest.map((it) => it.partition),
        earliest.map((it) => it.offset),
      ],
    )
    positions = await selectPositions(db, group, partitions)
  }
  return positions
}

async function selectPositions(
  db: Db,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Positions> {
  const { rows } = await db.query<{ topic: string; partition: number; next_offset: bigint }>(
    `SELECT o.topic, o.partition, o.next_offset
     FROM consumer_offsets o
     JOIN unnest($2::text[], $3::smallint[]) AS p(topic, partition) USING (topic, partition)
     WHERE o.consumer_group = $1`,
    [group, partitions.map((it) => it.topic), partitions.map((it) => it.partition)],
  )
  return new Map(rows.map((row) => [positionKey(row.topic, row.partition), row.next_offset]))
}
