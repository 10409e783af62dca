import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { embeddedLogId, kafkaLogId, refuseOtherLog } from '../src/log-identity.ts'
import { consumer, userCreated, type World, world, writeEffects } from './consumer-world.ts'

/** The same log under another identity, as a log of another system has. */
function identified(it: World, id: string): World {
  const identify = async (topics: readonly string[]) => new Map(topics.map((topic) => [topic, id]))
  return { ...it, log: { ...it.log, identify } }
}

/** A log and a database with positions in it; the consumer has stopped. */
async function consumed(t: Parameters<typeof world>[0]): Promise<World> {
  const it = identified(await world(t), embeddedLogId('first'))
  const running = await consumer(t, it, writeEffects)
  await it.log.append([userCreated(), userCreated()])
  await eventually(async () => (await it.effects()).length === 2)
  await running.stop()
  return it
}

test('a consumer refuses to start on another log than its positions point into', async (t) => {
  const it = await consumed(t)
  const other = identified(it, kafkaLogId('east', 'a'))
  await assert.rejects(consumer(t, other, writeEffects), {
    code: 'OTHER_LOG',
    message:
      /position of test .* embedded event log first.* Kafka cluster east.* move-log --to kafka/,
  })
  await it.log.append([userCreated()])
  await consumer(t, it, writeEffects)
  await eventually(async () => (await it.effects()).length === 3)
})

test('positions of release 0.1.0 adopt the log whose records they can name', async (t) => {
  const it = await consumed(t)
  await it.asOwner('DELETE FROM consumer_logs')
  const running = await consumer(t, it, writeEffects)
  await running.stop()
  const { rows } = await it.db.query('SELECT topic, log_id FROM consumer_logs')
  assert.deepEqual(rows, [{ topic: TOPICS.users, log_id: 'embedded:first' }])
})

test('positions beyond the end of the log are refused, with and without the identity of a log', async (t) => {
  const it = await consumed(t)
  const { log } = await world(t)
  const restored = identified({ ...it, log }, embeddedLogId('first'))
  const refused = { code: 'OFFSET_OUT_OF_RANGE', message: / is \d, but this event log ends at 0/ }
  await assert.rejects(consumer(t, restored, writeEffects), refused)
  await it.asOwner('DELETE FROM consumer_logs')
  await assert.rejects(consumer(t, restored, writeEffects), refused)
  const { rowCount } = await it.db.query('SELECT FROM consumer_logs')
  assert.equal(rowCount, 0)
})

test('the refusal names the log that the system had, and the remedy', () => {
  const [embedded, kafka] = [embeddedLogId('e1'), kafkaLogId('c1', 't1')]
  for (const [known, found, expected] of [
    [embedded, kafka, /belongs to the embedded event log e1, but KAFKA_BROKERS .*caudal move-log/],
    [kafka, embedded, /belongs to the Kafka cluster c1, but this start uses .*Set KAFKA_BROKERS/],
    [kafka, kafkaLogId('c2', 't1'), /uses the Kafka cluster c2\. Set KAFKA_BROKERS/],
    [kafka, kafkaLogId('c1', 't2'), /another topic payments\.results .*KAFKA_PREFIX/],
    [embedded, embeddedLogId('e2'), /event log e2\. Set CAUDAL_LOG_DATABASE_URL/],
  ] as const) {
    const at = (id: string) => new Map([['payments.results', id]])
    assert.throws(() => refuseOtherLog('the position of wallets', at(known), at(found)), {
      code: 'OTHER_LOG',
      message: expected,
    })
    refuseOtherLog('the position of wallets', at(known), at(known))
  }
})
