import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { positionKey, type Positions } from './advance-offsets.ts'
import type { ConsumerId } from './consumer-id.ts'
import type { EventLog, TopicPartition } from './event-log.ts'

/** The group's positions from the service's database; a new partition starts at its beginning. */
export async function loadPositions(
  db: Db,
  log: EventLog,
  consumer: ConsumerId,
  partitions: readonly TopicPartition[],
): Promise<Positions> {
  const positions = await selectPositions(db, consumer, partitions)
  const unknown = partitions.filter((it) => !positions.has(positionKey(it.topic, it.partition)))
  if (unknown.length === 0) return positions
  const earliest = await log.earliest(unknown)
  await db.query(sql`
    INSERT INTO consumer_offsets (consumer_group, source, topic, partition, next_offset)
    SELECT ${consumer.group}, ${consumer.source}, * FROM unnest(
      ${earliest.map((it) => it.topic)}::text[],
      ${earliest.map((it) => it.partition)}::smallint[],
      ${earliest.map((it) => it.offset)}::bigint[]
    )
    ON CONFLICT DO NOTHING`)
  return selectPositions(db, consumer, partitions)
}

async function selectPositions(
  db: Db,
  { group, source }: ConsumerId,
  partitions: readonly TopicPartition[],
): Promise<Positions> {
  const { rows } = await db.query<{ topic: string; partition: number; next_offset: bigint }>(sql`
    SELECT o.topic, o.partition, o.next_offset
    FROM consumer_offsets o
    JOIN unnest(
      ${partitions.map((it) => it.topic)}::text[],
      ${partitions.map((it) => it.partition)}::smallint[]
    ) AS p(topic, partition) USING (topic, partition)
    WHERE o.consumer_group = ${group} AND o.source = ${source}`)
  return new Map(rows.map((row) => [positionKey(row.topic, row.partition), row.next_offset]))
}
