import assert from 'node:assert/strict'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { type Kafka, startKafka } from '../../../tools/kafka/start-kafka.ts'
import { dataDirectory } from '../launch-system.ts'
import { type RedisServer, startRedis } from '../redis-server.ts'
import { everyPaymentCompleted, startTraffic, type Traffic } from '../traffic.ts'
import { seed, setBehaviour, violationsOf } from '../user-client.ts'
import type { Service } from './plan-processes.ts'
import { type Processes, runProcesses } from './run-processes.ts'

/** Three brokers, a Redis, and a system with two processes of each service. */
export type TestCluster = {
  kafka: Kafka
  redis: RedisServer
  system: Processes
  dataDir: string
  gatewayUrl: string
  pspUrl: string
}

const TWICE: Partial<Record<Service, number>> = {
  identity: 2,
  orders: 2,
  wallets: 2,
  payments: 2,
  processor: 2,
  notifications: 2,
  'api-gateway': 2,
}
const PSP = { CAUDAL_PSP_TIMEOUT: '2s', CAUDAL_PSP_CONNECT_TIMEOUT: '1s' }

/** Starts everything, with `env` in all processes; it ends with the scope. */
export async function startCluster(
  scope: TestScope,
  env: NodeJS.ProcessEnv = PSP,
): Promise<TestCluster> {
  const [kafka, redis, dataDir] = await Promise.all([
    startKafka({ nodes: 3 }),
    startRedis(scope),
    dataDirectory(scope),
  ])
  scope.after(() => kafka.stop())
  const system = await runProcesses({
    dataDir,
    replicas: TWICE,
    env: { KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: redis.url, ...env },
  })
  scope.after(async () => void (await system.stop()))
  const { gateway_url: gatewayUrl, psp_url: pspUrl } = system.state
  await setBehaviour(pspUrl!, { default: 'approve', latency_ms: 20 })
  return { kafka, redis, system, dataDir, gatewayUrl: gatewayUrl!, pspUrl: pspUrl! }
}

// Enough users that their accounts are spread over the partitions.
const LOAD = { users: 60, orders: 50, balance: '10000.00' }
const PER_SECOND = 40

/** Creates users and sends their payments until the traffic is stopped. */
export async function startLoad(cluster: TestCluster): Promise<Traffic> {
  const users = await seed(cluster.dataDir, LOAD)
  const traffic = startTraffic(cluster.gatewayUrl, users, { perSecond: PER_SECOND })
  await traffic.more(PER_SECOND)
  return traffic
}

/**
 * Stops the traffic and asserts that every accepted payment is COMPLETED and charged once, and that
 * `caudal verify` finds no violations.
 */
export async function assertNothingLost(cluster: TestCluster, traffic: Traffic): Promise<void> {
  await traffic.stop()
  await everyPaymentCompleted(cluster, traffic)
  assert.deepEqual(await violationsOf(cluster.dataDir), [])
}

/** Describes what clients saw during the fault. */
export function describeTraffic(traffic: Traffic): string {
  const repeated = [...traffic.repeated()].map(([answer, count]) => `${count} × ${answer}`)
  const others = repeated.length === 0 ? 'no other response' : repeated.join(', ')
  return (
    `${traffic.accepted()} accepted, ${others}, ` +
    `longest wait ${Math.round(traffic.longestMs())} ms`
  )
}
