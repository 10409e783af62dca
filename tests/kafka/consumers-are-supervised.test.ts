import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Scope } from '@caudal/testing/test-database.ts'
import { Admin } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { type EffectsWorld, effectsWorld } from './support/effects-world.ts'
import { startWorker, type Worker } from './support/start-worker.ts'

/** For a slow machine. */
const SLOW = { timeout: 300_000 }
const SESSION_MS = 2_000
const BACK_MS = { timeoutMs: 60_000 }
const LOST = 'consumer_join_failures_total'

let kafka: Kafka
before(async () => {
  // A group of one, so that whoever wants to join beside another is refused.
  kafka = await startKafka({ properties: { 'group.max.size': 1 } })
}, SLOW)
after(() => kafka.stop())

async function worker(t: Scope, it: EffectsWorld): Promise<Worker> {
  return startWorker(t, {
    databaseUrl: it.databaseUrl,
    brokers: kafka.brokers,
    group: `group-of-${it.topic}`,
    topics: [it.topic],
    sessionTimeoutMs: SESSION_MS,
  })
}

async function appliedOnce(it: EffectsWorld): Promise<void> {
  const before = await it.count()
  await it.append(50)
  await eventually(async () => (await it.count()) === before + 50, BACK_MS)
  await it.assertAllOnce()
}

/** The process that applies what is appended now. */
async function whoApplies(it: EffectsWorld): Promise<number> {
  const before = await it.count()
  await it.append(12)
  await eventually(async () => (await it.count()) === before + 12, BACK_MS)
  const { rows } = await it.db.query<{ worker: number }>(
    'SELECT worker FROM effects ORDER BY id DESC LIMIT 1',
  )
  return rows[0]!.worker
}

test('F4: a join and a rejoin that are refused are counted, and tried until they succeed', async (t) => {
  const it = await effectsWorld(t, kafka)
  const joined = (one: Worker) => one.counter('consumer_rebalances_total')
  const first = await worker(t, it)
  await eventually(async () => (await joined(first)) >= 1)
  const second = await worker(t, it)
  const failed = async (kind: string): Promise<number> =>
    (await first.counter(LOST, kind)) + (await second.counter(LOST, kind))
  await eventually(async () => (await failed('join')) > 0, BACK_MS)
  const rejoins = (): Promise<number> => failed('rejoin')
  /** Who has the partitions, and who has none: on a slow machine they change places unasked. */
  const places = async (): Promise<{ inside: Worker; outside: Worker }> =>
    (await whoApplies(it)) === first.pid
      ? { inside: first, outside: second }
      : { inside: second, outside: first }
  // One that hung learns at its next heartbeat that it is out. Should it hang in the midst of a
  // heartbeat, it may find that stalled instead, so the two take turns.
  for (let turn = 0; turn < 4 && (await rejoins()) === 0; turn += 1) {
    const { inside, outside } = await places()
    const [before, failures] = [await joined(outside), await inside.counter(LOST)]
    inside.signal('SIGSTOP')
    await eventually(async () => (await joined(outside)) > before, BACK_MS)
    inside.signal('SIGCONT')
    await eventually(async () => (await inside.counter(LOST)) > failures, BACK_MS)
  }
  assert.ok((await rejoins()) > 0, 'no join after a rebalance failed: the fault never fired')
  const { inside, outside } = await places()
  const before = await joined(outside)
  await inside.kill()
  await eventually(async () => (await joined(outside)) > before, BACK_MS)
  await appliedOnce(it)
})

test('F4: no heartbeat gets through: the membership is given up, and sought until it is back', async (t) => {
  const it = await effectsWorld(t, kafka)
  const one = await worker(t, it)
  await appliedOnce(it)
  await kafka.node(1).kill()
  await eventually(async () => (await one.counter(LOST, 'heartbeat')) >= 1, BACK_MS)
  await eventually(async () => (await one.counter(LOST, 'join')) > 1, BACK_MS)
  assert.ok((await one.counter('consumer_fetch_failures_total', 'broker')) > 0)
  const before = await one.counter('consumer_rebalances_total')
  await kafka.node(1).start()
  await eventually(async () => (await one.counter('consumer_rebalances_total')) > before, BACK_MS)
  await appliedOnce(it)
})

test('ADR 0012: records that are gone are an alarm; nothing is skipped until a person says so', async (t) => {
  const it = await effectsWorld(t, kafka)
  const first = await watched(t, it)
  await it.append(100)
  await eventually(() => first.applied.size === 100)
  await first.consumer.stop()
  await it.append(400) // so many that every partition has some of them
  const where = `consumer_group = 'watched' AND topic = $1 AND partition = $2`
  const [gone] = await it.log.end(await partitionsOf(it))
  const { topic, partition, offset } = gone!
  const position = async (): Promise<bigint> => {
    const text = `SELECT next_offset FROM consumer_offsets WHERE ${where}`
    const { rows } = await it.db.query<{ next_offset: bigint }>(text, [topic, partition])
    return rows[0]!.next_offset
  }
  const stoodAt = await position()
  assert.ok(stoodAt < offset, 'there are records that it has not read')
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] })
  t.after(() => admin.close())
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] })

  const next = await watched(t, it)
  await eventually(async () => (await next.alarms()) > 0)
  await eventually(async () => (await next.readiness()) === 'warn')
  await it.append(50)
  const alarms = await next.alarms()
  await eventually(async () => (await next.alarms()) > alarms, { label: 'it goes on to say so' })
  assert.equal(await position(), stoodAt, 'it did not jump')
  assert.equal(await next.readiness(), 'warn')

  const text = `UPDATE consumer_offsets SET next_offset = $3 WHERE ${where}`
  await it.db.query(text, [topic, partition, offset])
  await eventually(async () => (await next.readiness()) === 'ok', BACK_MS)
  const missing = Number(offset - stoodAt)
  await eventually(() => first.applied.size + next.applied.size === 550 - missing, BACK_MS)
})

type Watched = {
  consumer: Consumer
  applied: ReadonlySet<string>
  /** How often it found that Kafka does not have a position. */
  alarms(): Promise<number>
  /** What readiness says of the consumer. */
  readiness(): Promise<string | undefined>
}

async function watched(t: Scope, it: EffectsWorld): Promise<Watched> {
  const metrics: Metrics = createMetrics('test')
  const log = await it.openLog({ sessionTimeoutMs: SESSION_MS }, metrics)
  const applied = new Set<string>()
  const consumer = await consume({
    log,
    db: it.db,
    group: 'watched',
    topics: [it.topic],
    handlers: { 'user.created': (incoming: IncomingEvent<UserCreated>) => incoming },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    process: async (_tx, events) => {
      for (const { event } of events) applied.add(event.event_id)
    },
  })
  t.after(() => consumer.stop())
  const verifier: TokenVerifier = {
    verify: () => Promise.reject(new Error('nobody asks')),
    cached: () => undefined,
    checkKeys: async () => {},
  }
  return {
    consumer,
    applied,
    alarms: async () => {
      const line = /^consumer_offsets_out_of_range_total\{.*\} (\d+)$/m.exec(await metrics.text())
      return Number(line?.[1] ?? 0)
    },
    readiness: async () =>
      (await checkParts({ db: it.db, verifier, consumer }))['consumer']?.status,
  }
}

async function partitionsOf({ topic, log }: EffectsWorld) {
  const all = Array.from({ length: 12 }, (_, partition) => ({ topic, partition }))
  const filled = (await log.end(all)).filter(({ offset }) => offset > 1n)
  return filled.slice(0, 1)
}
