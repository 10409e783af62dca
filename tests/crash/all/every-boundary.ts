import { test } from 'node:test'
import { startKafka } from '../../../tools/kafka/start-kafka.ts'
import { startCrashSystem } from '../points/crash-system.ts'
import { killAtEveryBoundary } from '../points/kill-at-every-boundary.ts'

const OPTIONS = { timeout: 3_600_000 }
/** The partitions of a member that died are free again after this time. */
const SESSION = '3s'

test('P9: kill -9 of each service at each boundary, on the embedded log', OPTIONS, async (t) =>
  killAtEveryBoundary(t, await startCrashSystem(t)),
)

test('P9: kill -9 of each service at each boundary, on Kafka', OPTIONS, async (t) => {
  const kafka = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } })
  t.after(() => kafka.stop())
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), KAFKA_SESSION_TIMEOUT: SESSION }
  await killAtEveryBoundary(t, await startCrashSystem(t, { env }))
})
