import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { runCli } from '../../cli/test/run-cli.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import {
  chargesOf,
  paymentWithStatus,
  postPayment,
  seed,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

/** So many that a copy takes several appends. */
const OTHER_USERS = 1_500

/** Runs the command and kills it with SIGKILL at a line of its progress. */
async function killAt(args: readonly string[], env: NodeJS.ProcessEnv, line: RegExp) {
  const child = spawn(process.execPath, [join(ROOT, 'cli/bin/caudal.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  const exited = once(child, 'exit')
  const lines: string[] = []
  for await (const each of createInterface(child.stderr)) {
    lines.push(each)
    if (line.test(each)) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', lines.join('\n'))
}

/** How many records a topic has in Kafka. */
async function countIn({ brokers }: Kafka, topic: string): Promise<number> {
  const log = await openKafkaLog({
    settings: { brokers },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    topics: [topic],
  })
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) => ({
    topic,
    partition,
  }))
  const ends = await log.end(partitions)
  await log.close()
  return Number(ends.reduce((sum, { offset }) => sum + offset, 0n))
}

test('a log is moved to Kafka with payments in flight, and all complete', SLOW, async (t) => {
  const kafka = await startKafka()
  t.after(() => kafka.stop())
  const env = { KAFKA_BROKERS: kafka.brokers.join(',') }
  const dataDir = await dataDirectory(t)
  const moveLog = ['move-log', '--to', 'kafka', '--data', dataDir]

  // So few at a time that most payments are in the log or at the processor when it stops.
  const few = { CAUDAL_PSP_MAX_REQUESTS: '4' }
  const embedded = await launchSystem(t, { dataDir, env: few })
  const running = await runCli(moveLog, { env })
  assert.equal(running.code, 3, running.stderr)
  assert.match(running.stderr, /is running/)
  await seed(dataDir, { users: OTHER_USERS, orders: 1 })
  const users = await seed(dataDir, { users: 4, orders: 10 })
  await setBehaviour(embedded.psp_url, { default: 'slow:700' })
  const asked = users.flatMap((user) => user.orders.map((order) => ({ user, order })))
  const payments = await Promise.all(
    asked.map(async ({ user, order }) => {
      const id = order.external_order_id
      const answer = await postPayment(embedded.gateway_url, user, id, randomUUID())
      assert.equal(answer.status, 202)
      return { user, id: answer.body['payment_id'] as string }
    }),
  )
  assert.equal(await embedded.stop(), 0)

  // The variable forbids services to create topics; the command creates them.
  await killAt(moveLog, { ...env, KAFKA_TOPICS: 'check' }, /copied \d+ of/)
  await assert.rejects(launchSystem(t, { dataDir, env }), /move-log --to kafka/)
  await killAt(moveLog, env, /comparing both logs/)
  const moved = await runCli([...moveLog, '--json'], { env })
  assert.equal(moved.code, 0, moved.stderr)
  const { ok, records } = JSON.parse(moved.stdout) as { ok: boolean; records: number }
  assert.ok(ok && records > 2 * OTHER_USERS)
  const again = await runCli([...moveLog, '--json'], { env })
  assert.deepEqual(JSON.parse(again.stdout), JSON.parse(moved.stdout))
  await assert.rejects(launchSystem(t, { dataDir }), /Set KAFKA_BROKERS/)

  const requested = await countIn(kafka, TOPICS.paymentsRequested)
  const finalized = await countIn(kafka, TOPICS.paymentsFinalized)
  assert.equal(requested, payments.length)
  assert.ok(finalized < requested, 'payments are in flight')
  const onKafka = await launchSystem(t, { dataDir, env })
  await setBehaviour(onKafka.psp_url, { default: 'approve' })
  for (const { user, id } of payments) {
    await paymentWithStatus(onKafka.gateway_url, user, id, ['COMPLETED'])
    assert.equal((await chargesOf(onKafka.psp_url, id)).length, 1)
  }
  const [user] = await seed(dataDir, { users: 1, orders: 1 })
  const order = user!.orders[0]!.external_order_id
  const { body } = await postPayment(onKafka.gateway_url, user!, order, randomUUID())
  await paymentWithStatus(onKafka.gateway_url, user!, String(body['payment_id']), ['COMPLETED'])
  assert.deepEqual(await violationsOf(dataDir), [])
  assert.equal(await onKafka.stop(), 0)
})
