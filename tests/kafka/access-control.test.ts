import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ACCESS, STATEFUL } from '@caudal/contracts/service-access.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { clientOptions, heedErrors } from '@caudal/event-log/kafka/client-options.ts'
import { isAnswer } from '@caudal/event-log/kafka/kafka-errors.ts'
import type { KafkaSettings } from '@caudal/event-log/kafka/kafka-settings.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { Consumer } from '@platformatic/kafka'
import { runCli } from '../../cli/test/run-cli.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'

/** For a slow machine. */
const SLOW = { timeout: 300_000 }
const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const PREFIX = 'acl.'
// Who may write no topic at all gets no id as a producer: that refusal is the cluster's.
const REFUSALS = ['TOPIC', 'GROUP', 'CLUSTER'].map((what) => `${what}_AUTHORIZATION_FAILED`)
const SERVICES = STATEFUL.filter(
  (service) => ACCESS[service].appends.length + ACCESS[service].reads.length > 0,
)
const passwordOf = (user: string): string => `the password of ${user}`

let kafka: Kafka

/** Every client logs in by PLAIN; only `admin` and the nodes themselves may do anything. */
before(async () => {
  const users = ['admin', ...SERVICES].map((user) => `user_${user}="${passwordOf(user)}"`)
  kafka = await startKafka({
    security: {
      properties: {
        'listener.security.protocol.map':
          'CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.client.plain.sasl.jaas.config': `${LOGIN} required ${users.join(' ')};`,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:admin;User:ANONYMOUS',
      },
    },
  })
}, SLOW)
after(() => kafka.stop())

const settingsOf = (username: string): KafkaSettings => ({
  brokers: kafka.brokers,
  prefix: PREFIX,
  checkTopicsOnly: true,
  sasl: { mechanism: 'PLAIN', username, password: passwordOf(username) },
})

async function caudal(...words: string[]): Promise<string> {
  const env = {
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_PREFIX: PREFIX,
    // For the services; a file with it is often read before the administrator's.
    KAFKA_TOPICS: 'check',
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_SASL_USERNAME: 'admin',
    KAFKA_SASL_PASSWORD: passwordOf('admin'),
  }
  const { code, stdout, stderr } = await runCli(words, { env })
  assert.equal(code, 0, stderr)
  return stdout
}

/** Whether Kafka allows a request. It is repeated while the first group makes its topic. */
async function isAllowed(request: () => Promise<unknown>): Promise<boolean> {
  const verdict = await eventually(async () => {
    try {
      await request()
      return 'allowed'
    } catch (error) {
      if (isAnswer(error, 'COORDINATOR_NOT_AVAILABLE')) return undefined
      const refused = REFUSALS.some((name) => isAnswer(error, name))
      assert.ok(refused, String(error))
      return 'refused'
    }
  })
  return verdict === 'allowed'
}

async function withConsumer<T>(
  user: string,
  groupId: string,
  work: (consumer: Consumer) => Promise<T>,
): Promise<T> {
  const options = { ...clientOptions(settingsOf(user), user), groupId, retries: 0 }
  const consumer = heedErrors(new Consumer({ ...options, autocommit: false }))
  consumer.on('error', () => {}) // the request fails too
  try {
    return await work(consumer)
  } finally {
    await consumer.close(true).catch(() => {})
  }
}

/** The first fetch of a topic. */
async function fetchFrom(consumer: Consumer, name: string): Promise<unknown> {
  consumer.topics.trackAll(name)
  const { topics } = await consumer.metadata({ topics: [name] })
  const { id: topicId, partitions } = topics.get(name)!
  const partition = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: 0n,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1_000,
  }
  return consumer.fetch({
    node: partitions[0]!.leader,
    maxWaitTime: 0,
    minBytes: 0,
    maxBytes: 1_000,
    topics: [{ topicId, partitions: [partition] }],
  })
}

test(
  'F14: "caudal kafka" creates topics, whatever KAFKA_TOPICS is, and access rules',
  SLOW,
  async () => {
    for (let run = 1; run <= 2; run += 1) {
      await caudal('kafka', 'topics')
      await caudal('kafka', 'acls', '--apply')
    }
    const printed = await caudal('kafka', 'acls', '--principal', 'User:CN={service}')
    assert.match(
      printed,
      /--allow-principal 'User:CN=wallets' .*--operation Write --topic 'acl.wallets.ledger'/,
    )
  },
)

test(
  'F14: every service appends to and reads from its own topics in Kafka, and no other',
  SLOW,
  async () => {
    for (const service of SERVICES) {
      const { appends, reads } = ACCESS[service]
      const topics = Object.values(TOPICS).map((topic) => PREFIX + topic)
      const log = await openKafkaLog({
        settings: settingsOf(service),
        logger: createLogger({ service: 'test', level: 'silent' }),
        metrics: createMetrics('test'),
        topics,
      })
      try {
        for (const topic of Object.values(TOPICS)) {
          const record = { topic: PREFIX + topic, key: service, value: service, headers: {} }
          const writes = await isAllowed(() => log.append([record]))
          assert.equal(writes, appends.includes(topic), `${service} writes ${topic}`)
          const fetched = await isAllowed(() =>
            withConsumer(service, PREFIX + service, (it) => fetchFrom(it, record.topic)),
          )
          assert.equal(fetched, reads.includes(topic), `${service} reads ${topic}`)
        }
      } finally {
        await log.close()
      }
    }
  },
)

test('F14: every service joins its own group in Kafka, and no other', SLOW, async () => {
  for (const service of SERVICES) {
    for (const group of SERVICES) {
      const joins = await isAllowed(() =>
        withConsumer(service, PREFIX + group, (it) => it.findGroupCoordinator()),
      )
      const expected = group === service && ACCESS[service].reads.length > 0
      assert.equal(joins, expected, `${service} in ${group}`)
    }
  }
})
