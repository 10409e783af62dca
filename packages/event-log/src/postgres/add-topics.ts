import { PARTITION_COUNT } from '@caudal/contracts/topics.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { ClientBase } from 'pg'

/** Adds the missing topics to the embedded log. Runs as the owner of its tables. */
export async function addTopics(
  owner: Pick<ClientBase, 'query'>,
  topics: readonly string[],
): Promise<void> {
  await owner.query(sql`
    INSERT INTO log_partitions (topic, partition)
    SELECT t.topic, p.partition
    FROM unnest(${topics}::text[]) AS t(topic)
    CROSS JOIN generate_series(0, ${PARTITION_COUNT}::int - 1) AS p(partition)
    WHERE NOT EXISTS (SELECT 1 FROM log_partitions l WHERE l.topic = t.topic)
    ON CONFLICT DO NOTHING`)
}
