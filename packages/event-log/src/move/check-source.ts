import { TOPICS } from '@caudal/contracts/topics.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { EventLogError } from '../event-log-error.ts'

type PartitionRow = { topic: string; partition: number; next_offset: bigint; records: bigint }

/**
 * Checks that the embedded log is whole and that this release knows all of it.
 *
 * @throws {EventLogError} naming the first partition that is not
 */
export async function checkSource(logDb: Db): Promise<void> {
  const { rows } = await logDb.query<PartitionRow>(sql`
    SELECT p.topic, p.partition, p.next_offset, count(r.record_offset) AS records
    FROM log_partitions p LEFT JOIN log_records r USING (topic, partition)
    GROUP BY p.topic, p.partition, p.next_offset
    ORDER BY p.topic, p.partition`)
  const known: readonly string[] = Object.values(TOPICS)
  for (const { topic, partition, next_offset: end, records } of rows) {
    if (!known.includes(topic) && records > 0n) {
      const message = `this release does not know the topic ${topic}, which has records`
      throw new EventLogError('TOPIC_MISCONFIGURED', message)
    }
    if (records === end) continue
    throw new EventLogError(
      'OFFSET_OUT_OF_RANGE',
      `partition ${partition} of ${topic} should have ${end} records, but has ${records}`,
    )
  }
}
