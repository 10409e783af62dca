import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { newId } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { addToOutbox, type OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { outboxMigrations } from '@caudal/outbox/migrations.ts'
import { startRelay } from '@caudal/outbox/relay.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { userCreatedEvent } from '@caudal/testing/user-created-event.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { readTopic } from '../support/processes/read-topic.ts'

const WRITERS = 24
const ROUNDS = 15
const KEYS = 12
const LONGEST_MS = 120
const logger = createLogger({ service: 'test', level: 'silent' })

describe('F3, rule 5: the outbox of concurrent writers is published to three brokers', () => {
  let kafka: Kafka
  before(async () => {
    kafka = await startKafka({ nodes: 3 })
  }, SLOW)
  after(() => kafka.stop())

  test('late commits are not skipped and the order per key is kept while the relay is replaced', async (t) => {
    const { pool: db, url } = await testDatabase(t, { sets: [outboxMigrations], name: 'writers' })
    const settings = { brokers: kafka.brokers, prefix: 'writers.', checkTopicsOnly: false }
    const log = await openEventLog({ serverUrl: url, kafka: settings }, logger)
    t.after(() => log.close())
    const start = () => startRelay({ url, log, logger, metrics: createMetrics('test') })
    let relay = start()
    t.after(() => relay.stop())

    const keys = Array.from({ length: KEYS }, () => newId())
    const written = new Map<string, number>(keys.map((key) => [key, 0]))
    let rolledBack = 0
    const writer = async (index: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const key = keys[(index + round) % KEYS]!
        const refused = (index + round) % 7 === 0
        await transaction(db, async (tx) => {
          // The key's lock is taken first, so the ids of a key are in the order of its commits.
          await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [key])
          const next = written.get(key)! + 1
          await addToOutbox(tx, [eventOf(key, next)])
          await delay(Math.random() * LONGEST_MS) // other writers take later ids and commit earlier
          if (refused) throw new Error('planted')
          written.set(key, next)
        }).catch((error: Error) => {
          if (error.message !== 'planted') throw error
          rolledBack += 1
        })
      }
    }
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, index) => writer(index)))
    for (let turn = 0; turn < 4; turn += 1) {
      await delay(300) // a moment during the writes, not a synchronisation
      await relay.stop()
      relay = start()
    }
    await writing
    await eventually(async () => {
      const { rows } = await db.query<{ waiting: bigint }>(
        'SELECT count(*) AS waiting FROM outbox_unpublished',
      )
      return rows[0]!.waiting === 0n
    })
    const records = await readTopic(log, TOPICS.users)
    const seen = new Map<string, number[]>()
    for (const { key, value } of records) {
      const { user_id: number } = JSON.parse(value) as { user_id: string }
      seen.set(key, [...(seen.get(key) ?? []), Number(number)])
    }
    const missing = await countMissingIds(db)
    t.diagnostic(`${records.length} records, ${rolledBack} rolled back, ${missing} missing ids`)
    assert.ok(rolledBack > 0 && missing > 0, 'no gap in the ids, so the fault did not occur')
    for (const key of keys) {
      const numbers = [...new Set(seen.get(key))]
      const expected = Array.from({ length: written.get(key)! }, (_, index) => index + 1)
      assert.deepEqual(numbers, expected, `of ${key}`)
    }
  })
})

/** An event with the number as its user id, which nothing in this test validates. */
function eventOf(accountId: string, number: number): OutboxEvent {
  const event = userCreatedEvent({ account_id: accountId, user_id: String(number) })
  return { event, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
}

/** Counts ids that were assigned but whose rows were never committed. */
async function countMissingIds(db: Db): Promise<number> {
  const { rows } = await db.query<{ missing: bigint }>(
    'SELECT max(id) - count(*) AS missing FROM outbox',
  )
  return Number(rows[0]!.missing)
}
