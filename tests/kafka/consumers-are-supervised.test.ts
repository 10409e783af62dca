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
import { SLOW } from '@caudal/testing/slow.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { Admin } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { type EffectsFixture, createEffectsFixture } from './support/effects-fixture.ts'
import { startWorker, type Worker } from './support/start-worker.ts'

const SESSION_MS = 2_000
const BACK_MS = { timeoutMs: 60_000 }
const LOST = 'consumer_join_failures_total'

let kafka: Kafka
before(async () => {
  // Groups may have one member, so that a second one is refused.
  kafka = await startKafka({ properties: { 'group.max.size': 1 } })
}, SLOW)
after(() => kafka.stop())

async function worker(t: TestScope, fixture: EffectsFixture): Promise<Worker> {
  return startWorker(t, {
    databaseUrl: fixture.databaseUrl,
    brokers: kafka.brokers,
    group: `group-of-${fixture.topic}`,
    topics: [fixture.topic],
    sessionTimeoutMs: SESSION_MS,
  })
}

async function appliedOnce(fixture: EffectsFixture): Promise<void> {
  const before = await fixture.count()
  await fixture.append(50)
  await eventually(async () => (await fixture.count()) === before + 50, BACK_MS)
  await fixture.assertAllOnce()
}

/** The process that applies newly appended records. */
async function whoApplies(fixture: EffectsFixture): Promise<number> {
  const before = await fixture.count()
  await fixture.append(12)
  await eventually(async () => (await fixture.count()) === before + 12, BACK_MS)
  const { rows } = await fixture.db.query<{ worker: number }>(
    'SELECT worker FROM effects ORDER BY id DESC LIMIT 1',
  )
  return rows[0]!.worker
}

test('F4: refused joins and rejoins are counted and retried until they succeed', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  const joined = (one: Worker) => one.counter('consumer_rebalances_total')
  const first = await worker(t, fixture)
  await eventually(async () => (await joined(first)) >= 1)
  const second = await worker(t, fixture)
  const failed = async (kind: string): Promise<number> =>
    (await first.counter(LOST, kind)) + (await second.counter(LOST, kind))
  await eventually(async () => (await failed('join')) > 0, BACK_MS)
  const rejoins = (): Promise<number> => failed('rejoin')
  /** Which worker has the partitions. On a slow machine they can change places at any time. */
  const places = async (): Promise<{ inside: Worker; outside: Worker }> =>
    (await whoApplies(fixture)) === first.pid
      ? { inside: first, outside: second }
      : { inside: second, outside: first }
  // A worker that hung learns at its next heartbeat that it lost its membership. If it hung during
  // a heartbeat, it may see a timeout instead, so the test makes several attempts.
  for (let turn = 0; turn < 4 && (await rejoins()) === 0; turn += 1) {
    const { inside, outside } = await places()
    const [before, failures] = [await joined(outside), await inside.counter(LOST)]
    inside.signal('SIGSTOP')
    await eventually(async () => (await joined(outside)) > before, BACK_MS)
    inside.signal('SIGCONT')
    await eventually(async () => (await inside.counter(LOST)) > failures, BACK_MS)
  }
  assert.ok((await rejoins()) > 0, 'no rejoin failed, so the fault did not occur')
  const { inside, outside } = await places()
  const before = await joined(outside)
  await inside.kill()
  await eventually(async () => (await joined(outside)) > before, BACK_MS)
  await appliedOnce(fixture)
})

test('F4: a consumer whose heartbeats fail leaves the group and rejoins when Kafka is back', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  const one = await worker(t, fixture)
  await appliedOnce(fixture)
  await kafka.node(1).kill()
  await eventually(async () => (await one.counter(LOST, 'heartbeat')) >= 1, BACK_MS)
  await eventually(async () => (await one.counter(LOST, 'join')) > 1, BACK_MS)
  assert.ok((await one.counter('consumer_fetch_failures_total', 'broker')) > 0)
  const before = await one.counter('consumer_rebalances_total')
  await kafka.node(1).start()
  await eventually(async () => (await one.counter('consumer_rebalances_total')) > before, BACK_MS)
  await appliedOnce(fixture)
})

test('ADR 0012: missing records raise an alarm, and nothing is skipped until an operator resets the offset', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  const first = await watched(t, fixture)
  await fixture.append(100)
  await eventually(() => first.applied.size === 100)
  await first.consumer.stop()
  await fixture.append(400) // so many that every partition has some of them
  const where = `consumer_group = 'watched' AND topic = $1 AND partition = $2`
  const [gone] = await fixture.log.end(await partitionsOf(fixture))
  const { topic, partition, offset } = gone!
  const position = async (): Promise<bigint> => {
    const text = `SELECT next_offset FROM consumer_offsets WHERE ${where}`
    const { rows } = await fixture.db.query<{ next_offset: bigint }>(text, [topic, partition])
    return rows[0]!.next_offset
  }
  const stoodAt = await position()
  assert.ok(stoodAt < offset, 'the partition has unread records')
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] })
  t.after(() => admin.close())
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] })

  const next = await watched(t, fixture)
  await eventually(async () => (await next.alarms()) > 0)
  await eventually(async () => (await next.readiness()) === 'warn')
  await fixture.append(50)
  const alarms = await next.alarms()
  await eventually(async () => (await next.alarms()) > alarms, { label: 'the alarm is repeated' })
  assert.equal(await position(), stoodAt, 'the offset was not moved')
  assert.equal(await next.readiness(), 'warn')

  const text = `UPDATE consumer_offsets SET next_offset = $3 WHERE ${where}`
  await fixture.db.query(text, [topic, partition, offset])
  await eventually(async () => (await next.readiness()) === 'ok', BACK_MS)
  const missing = Number(offset - stoodAt)
  await eventually(() => first.applied.size + next.applied.size === 550 - missing, BACK_MS)
})

type Watched = {
  consumer: Consumer
  applied: ReadonlySet<string>
  /** How often the consumer found that Kafka does not have its offset. */
  alarms(): Promise<number>
  /** The consumer's status in the readiness check. */
  readiness(): Promise<string | undefined>
}

async function watched(t: TestScope, fixture: EffectsFixture): Promise<Watched> {
  const metrics: Metrics = createMetrics('test')
  const log = await fixture.openLog({ sessionTimeoutMs: SESSION_MS }, metrics)
  const applied = new Set<string>()
  const consumer = await consume({
    log,
    db: fixture.db,
    group: 'watched',
    topics: [fixture.topic],
    handlers: { 'user.created': (incoming: IncomingEvent<UserCreated>) => incoming },
    orderBy: { [fixture.topic]: ['account_id'] },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    process: async (_tx, events) => {
      for (const { event } of events) applied.add(event.event_id)
      return { outcomes: [] }
    },
  })
  t.after(() => consumer.stop())
  const verifier: TokenVerifier = {
    verify: () => Promise.reject(new Error('not used')),
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
      (await checkParts({ db: fixture.db, verifier, consumer }))['consumer']?.status,
  }
}

async function partitionsOf({ topic, log }: EffectsFixture) {
  const all = Array.from({ length: 12 }, (_, partition) => ({ topic, partition }))
  const filled = (await log.end(all)).filter(({ offset }) => offset > 1n)
  return filled.slice(0, 1)
}
