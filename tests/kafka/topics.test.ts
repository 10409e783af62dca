import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { KAFKA_COMPRESSIONS, type KafkaSettings } from '@caudal/event-log/kafka/kafka-settings.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import { partitionOf } from '@caudal/event-log/partition-of.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { Admin, ConfigResourceTypes, Consumer } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { readTopic } from '../support/processes/read-topic.ts'

let kafka: Kafka
let admin: Admin
before(async () => {
  kafka = await startKafka()
  admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] })
}, SLOW)
after(async () => {
  await admin.close()
  await kafka.stop()
})

async function open(
  t: TestScope,
  topic: string,
  settings?: Partial<KafkaSettings>,
): Promise<EventLog> {
  const log = await openKafkaLog({
    settings: { brokers: kafka.brokers, ...settings },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    topics: [topic],
  })
  t.after(() => log.close())
  return log
}

async function configOf(topic: string): Promise<Map<string, unknown>> {
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }],
  })
  return new Map(described!.configs.map(({ name, value }) => [name, value]))
}

test('rule 3: topics are created with 12 partitions and unlimited retention', async (t) => {
  const topic = `topics.${newId()}`
  await open(t, topic)
  const { topics } = await admin.metadata({ topics: [topic] })
  assert.equal(topics.get(topic)!.partitionsCount, 12)
  const config = await configOf(topic)
  assert.equal(config.get('retention.ms'), '-1')
  assert.equal(config.get('retention.bytes'), '-1')
  assert.equal(config.get('cleanup.policy'), 'delete')
  assert.equal(config.get('min.insync.replicas'), '1')
})

test('processes that start at the same time create a topic once', async (t) => {
  const topic = `topics.${newId()}`
  const logs = await Promise.all(Array.from({ length: 6 }, () => open(t, topic)))
  await logs[0]!.append([{ topic, key: 'key', value: 'value', headers: {} }])
})

test('rule 3: a topic with other settings is refused with the wanted and the found values', async (t) => {
  const topic = `topics.${newId()}`
  await admin.createTopics({
    topics: [{ topic, partitions: 7, replicas: 1 }],
    configs: [{ name: 'cleanup.policy', value: 'compact' }],
  })
  await assert.rejects(open(t, topic, { replicationFactor: 3 }), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, 'TOPIC_MISCONFIGURED')
    for (const expected of [
      `${topic}: 12 partitions wanted, 7 found`,
      `${topic}: 3 replicas wanted, 1 found`,
      `${topic}: cleanup.policy delete wanted, compact found`,
      `${topic}: retention.ms -1 wanted, 604800000 found`,
      `${topic}: min.insync.replicas 2 wanted, 1 found`,
    ]) {
      assert.ok(error.message.includes(expected), `${expected} in:\n${error.message}`)
    }
    return true
  })
})

test('a process that may only check topics creates none', async (t) => {
  const topic = `topics.${newId()}`
  await assert.rejects(open(t, topic, { checkTopicsOnly: true }), /is not there/)
  assert.ok(!(await admin.listTopics({})).includes(topic))
  await open(t, topic)
  await open(t, topic, { checkTopicsOnly: true })
})

test('records are compressed as configured, with lz4 by default, and can be read back', async (t) => {
  // The codec is in the lowest bits of a batch's attributes, with these numbers (KIP-110).
  const codecs = { none: 0, gzip: 1, lz4: 3, zstd: 4 } as const
  const cases = [...KAFKA_COMPRESSIONS, undefined]
  for (const compression of cases) {
    const topic = `topics.${newId()}`
    const log = await open(t, topic, compression && { compression })
    const value = 'again and '.repeat(100)
    await log.append([{ topic, key: 'key', value, headers: { name: 'text' } }])
    const partition = partitionOf('key')
    const [record] = await readTopic(log, topic)
    assert.deepEqual([record?.value, record?.headers], [value, { name: 'text' }])
    assert.equal(await codecOf(topic, partition), codecs[compression ?? 'lz4'], compression)
  }
})

test('an offset that Kafka does not have raises an error, and nothing is skipped', async (t) => {
  const topic = `topics.${newId()}`
  const log = await open(t, topic)
  const key = 'key'
  await log.append(Array.from({ length: 5 }, () => ({ topic, key, value: 'old', headers: {} })))
  const [{ partition }] = (await log
    .end(Array.from({ length: 12 }, (_, each) => ({ topic, partition: each })))
    .then((ends) => ends.filter(({ offset }) => offset > 0n))) as [{ partition: number }]
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: 3n }] }] })
  const { signal } = new AbortController()
  const read = (offset: bigint) =>
    log.read([{ topic, partition, offset }], { maxRecords: 10, waitMs: 5_000, signal })
  const lost = { code: 'OFFSET_OUT_OF_RANGE', retryable: false, message: /no offset 0 in/ }
  await assert.rejects(read(0n), lost)
  await assert.rejects(
    read(0n),
    lost,
    'the error is repeated, since the offset does not move by itself',
  )
  await assert.rejects(read(9n), { code: 'OFFSET_OUT_OF_RANGE' })
  assert.deepEqual(await log.earliest([{ topic, partition }]), [{ topic, partition, offset: 3n }])
  const records = await readTopic(log, topic)
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [3n, 4n],
  )
})

/** The compression codec of the partition's first batch. */
async function codecOf(topic: string, partition: number): Promise<number> {
  const bootstrapBrokers = [...kafka.brokers]
  const consumer = new Consumer({ clientId: 'test', groupId: 'never-joined', bootstrapBrokers })
  try {
    const metadata = await consumer.metadata({ topics: [topic] })
    const { id: topicId, partitions } = metadata.topics.get(topic)!
    consumer.topics.trackAll(topic)
    const wanted = {
      partition,
      fetchOffset: 0n,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 65_536,
    }
    const { responses } = await consumer.fetch({
      node: partitions[partition]!.leader,
      topics: [{ topicId, partitions: [wanted] }],
    })
    return responses[0]!.partitions[0]!.records![0]!.attributes & 7
  } finally {
    await consumer.close(true)
  }
}
