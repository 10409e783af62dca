import assert from 'node:assert/strict'
import { newId } from '@caudal/contracts/ids.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import type { EventLog, NewRecord } from '@caudal/event-log/event-log.ts'
import type { KafkaSettings } from '@caudal/event-log/kafka/kafka-settings.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { userCreatedEvent } from '@caudal/testing/user-created-event.ts'
import pg from 'pg'
import type { Kafka } from '../../../tools/kafka/start-kafka.ts'

/** A topic, a log to append to it, and a database where consumers insert one row per record. */
export type EffectsFixture = {
  topic: string
  databaseUrl: string
  db: Db
  log: EventLog
  /** Opens another log for the topic; it is closed when the scope ends. */
  openLog(settings?: Partial<KafkaSettings>, metrics?: Metrics): Promise<EventLog>
  /** Appends events of `count` different users. */
  append(count: number, to?: EventLog): Promise<void>
  /** The number of inserted rows. */
  count(): Promise<number>
  /** Asserts that each record was applied once, in the order of its partition. */
  assertAllOnce(): Promise<void>
}

/** Creates a topic and a database for one test. */
export async function createEffectsFixture(
  scope: TestScope,
  kafka: Kafka,
): Promise<EffectsFixture> {
  const topic = `effects.${newId()}`
  const { pool: db, url, ownerUrl } = await testDatabase(scope, { sets: [consumerMigrations] })
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  await owner.query(
    `CREATE TABLE effects (
       id bigint GENERATED ALWAYS AS IDENTITY, worker int NOT NULL,
       topic text NOT NULL, partition int NOT NULL, record_offset bigint NOT NULL
     );
     GRANT SELECT, INSERT ON effects TO caudal_app`,
  )
  await owner.end()
  const openLog: EffectsFixture['openLog'] = async (settings, metrics = createMetrics('test')) => {
    const log = await openKafkaLog({
      settings: { brokers: kafka.brokers, ...settings },
      logger: createLogger({ service: 'test', level: 'silent' }),
      metrics,
      topics: [topic],
    })
    scope.after(() => log.close())
    return log
  }
  const log = await openLog()
  const count = async (): Promise<number> => {
    const { rows } = await db.query<{ count: bigint }>('SELECT count(*) FROM effects')
    return Number(rows[0]!.count)
  }
  return {
    topic,
    databaseUrl: url,
    db,
    log,
    openLog,
    count,
    append: (records, to = log) =>
      to.append(Array.from({ length: records }, () => userCreated(topic))),
    assertAllOnce: () => assertAllOnce(db, log, topic),
  }
}

async function assertAllOnce(db: Db, log: EventLog, topic: string): Promise<void> {
  const partitions = Array.from({ length: 12 }, (_, partition) => ({ topic, partition }))
  const ends = await log.end(partitions)
  const { rows } = await db.query<{ partition: number; offsets: bigint[] }>(
    `SELECT partition, array_agg(record_offset ORDER BY id) AS offsets FROM effects
     GROUP BY partition`,
  )
  const applied = new Map(rows.map((row) => [row.partition, row.offsets]))
  for (const { partition, offset: end } of ends) {
    const expected = Array.from({ length: Number(end) }, (_, index) => BigInt(index))
    assert.deepEqual(applied.get(partition) ?? [], expected, `partition ${partition}`)
  }
}

function userCreated(topic: string): NewRecord {
  const event = userCreatedEvent()
  return { topic, key: event.account_id, value: serializeEvent(event), headers: {} }
}
