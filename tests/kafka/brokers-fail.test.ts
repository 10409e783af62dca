import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { effectsWorld } from './support/effects-world.ts'
import { startWorker } from './support/start-worker.ts'

/** For a slow machine. */
const SLOW = { timeout: 300_000 }

let kafka: Kafka
before(async () => {
  kafka = await startKafka({ nodes: 3 })
}, SLOW)
after(() => kafka.stop())

test('F4: a broker is killed, then two: writes go on, then wait; nothing is lost or twice', async (t) => {
  const it = await effectsWorld(t, kafka)
  const worker = await startWorker(t, {
    databaseUrl: it.databaseUrl,
    brokers: kafka.brokers,
    group: `group-of-${it.topic}`,
    topics: [it.topic],
    sessionTimeoutMs: 6_000,
  })
  const appended = async (count: number): Promise<void> => {
    const before = await it.count()
    await it.append(count)
    await eventually(async () => (await it.count()) >= before + count, { timeoutMs: 60_000 })
  }
  const impatient = await it.openLog({ appendTimeoutMs: 3_000 })
  await appended(100)

  await kafka.node(1).kill()
  await appended(100)

  await kafka.node(2).kill()
  await assert.rejects(it.append(100, impatient), {
    code: 'EVENT_LOG_UNAVAILABLE',
    retryable: true,
  })

  await Promise.all([kafka.node(1).start(), kafka.node(2).start()])
  await appended(100)
  // What the impatient one appended may be there all the same, and be applied yet.
  await eventually(
    async () => {
      await it.assertAllOnce()
      return true
    },
    { timeoutMs: 60_000, label: 'all records are applied once' },
  )
  assert.ok((await worker.counter('consumer_leaders_moved_total')) > 0)
  assert.ok((await worker.counter('consumer_fetch_failures_total', 'broker')) > 0)
})
