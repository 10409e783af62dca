import { after, before } from 'node:test'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { Admin } from '@platformatic/kafka'
import { logConformance, OTHER_TOPIC, TOPIC } from '../../packages/event-log/test/conformance.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'

const topics = [TOPIC, OTHER_TOPIC]
const logger = createLogger({ service: 'test', level: 'silent' })

let kafka: Kafka
before(async () => {
  kafka = await startKafka()
}, SLOW)
after(() => kafka.stop())

logConformance('kafka', async () => {
  await deleteTopics()
  const settings = { brokers: kafka.brokers }
  return () => openKafkaLog({ settings, logger, metrics: createMetrics('test'), topics })
})

async function deleteTopics(): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] })
  await eventually(async () => {
    const present = await admin.listTopics({})
    const old = present.filter((topic) => topics.includes(topic))
    if (old.length === 0) return true
    await admin.deleteTopics({ topics: old })
    return false
  })
  await admin.close()
}
