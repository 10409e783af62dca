import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { createEffectsFixture } from './support/effects-fixture.ts'
import { startWorker } from './support/start-worker.ts'

let kafka: Kafka
before(async () => {
  kafka = await startKafka({ nodes: 3 })
}, SLOW)
after(() => kafka.stop())

test('F4: appends continue with one broker down, fail with two, and each record is applied once', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  const worker = await startWorker(t, {
    databaseUrl: fixture.databaseUrl,
    brokers: kafka.brokers,
    group: `group-of-${fixture.topic}`,
    topics: [fixture.topic],
    sessionTimeoutMs: 6_000,
  })
  const appended = async (count: number): Promise<void> => {
    const before = await fixture.count()
    await fixture.append(count)
    await eventually(async () => (await fixture.count()) >= before + count, { timeoutMs: 60_000 })
  }
  const impatient = await fixture.openLog({ appendTimeoutMs: 3_000 })
  await appended(100)

  await kafka.node(1).kill()
  await appended(100)

  await kafka.node(2).kill()
  await assert.rejects(fixture.append(100, impatient), {
    code: 'EVENT_LOG_UNAVAILABLE',
    retryable: true,
  })

  await Promise.all([kafka.node(1).start(), kafka.node(2).start()])
  await appended(100)
  // The records of the failed append may still have been written and are then applied.
  await eventually(
    async () => {
      await fixture.assertAllOnce()
      return true
    },
    { timeoutMs: 60_000, label: 'all records are applied once' },
  )
  assert.ok((await worker.counter('consumer_leaders_moved_total')) > 0)
  assert.ok((await worker.counter('consumer_fetch_failures_total', 'broker')) > 0)
})
