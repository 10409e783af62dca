import type { BatchResult } from '@caudal/batching/process-batch.ts'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { userCreatedEvent } from '@caudal/testing/user-created-event.ts'
import pg from 'pg'
import type { ProcessWork } from '../src/apply-batch.ts'
import { consume, type Consumer, type ConsumeOptions } from '../src/consume.ts'
import type { EventLog, NewRecord } from '../src/event-log.ts'
import type { IncomingEvent } from '../src/incoming-event.ts'
import { consumerMigrations, logMigrations } from '../src/migrations.ts'
import { openPostgresLog } from '../src/postgres/open-postgres-log.ts'

const logger = createLogger({ service: 'test', level: 'silent' })

/** A log and a service's database; `effects` are the users of the events that were processed. */
export type World = {
  db: Db
  log: EventLog
  effects(): Promise<string[]>
  /** Runs a statement as the role that owns the tables of the service. */
  asOwner(statement: string): Promise<void>
}

/** Databases of the test's own. */
export async function world(t: TestScope): Promise<World> {
  const logDb = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  const { pool: db, ownerUrl } = await testDatabase(t, { sets: [consumerMigrations] })
  const asOwner = async (statement: string): Promise<void> => {
    const owner = new pg.Client({ connectionString: ownerUrl })
    await owner.connect()
    await owner.query(statement)
    await owner.end()
  }
  await asOwner(
    `CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, user_id text NOT NULL);
     GRANT SELECT, INSERT ON effects TO caudal_app`,
  )
  const log = await openPostgresLog({ url: logDb.url })
  t.after(() => log.close())
  const effects = async (): Promise<string[]> => {
    const { rows } = await db.query<{ user_id: string }>('SELECT user_id FROM effects ORDER BY id')
    return rows.map((row) => row.user_id)
  }
  return { db, log, effects, asOwner }
}

/** A record that every consumer here understands. */
export function userCreated(userId = newId(), accountId?: string): NewRecord {
  const account = accountId === undefined ? {} : { account_id: accountId }
  const event = userCreatedEvent({ user_id: userId, ...account })
  return { topic: TOPICS.users, key: event.account_id, value: serializeEvent(event), headers: {} }
}

export const userOf = (record: NewRecord): string =>
  (JSON.parse(record.value) as UserCreated).user_id

/** The spine of these tests: one effect an event. */
export async function writeEffects(
  tx: Tx,
  events: readonly IncomingEvent<UserCreated>[],
): Promise<BatchResult<string>> {
  const users = events.map(({ event }) => event.user_id)
  await tx.query('INSERT INTO effects (user_id) SELECT * FROM unnest($1::text[])', [users])
  return { outcomes: users }
}

/** A running consumer of the group `test`; it stops with the scope. */
export async function consumer(
  t: TestScope,
  { db, log }: World,
  process: ProcessWork<IncomingEvent<UserCreated>>,
  options: Partial<ConsumeOptions<IncomingEvent<UserCreated>>> = {},
): Promise<Consumer> {
  const running = await consume({
    log,
    db,
    group: 'test',
    handlers: { 'user.created': (incoming: IncomingEvent<UserCreated>) => incoming },
    orderBy: { [TOPICS.users]: ['account_id'] },
    process,
    logger,
    metrics: createMetrics('test'),
    ...options,
  })
  t.after(() => running.stop())
  return running
}
