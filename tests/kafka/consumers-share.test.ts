import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { type EffectsFixture, createEffectsFixture } from './support/effects-fixture.ts'
import { startWorker, type Worker, type WorkerOptions } from './support/start-worker.ts'

const SESSION_MS = 2_000
/** PostgreSQL ends a transaction that its process left open after 10 s. */
const TAKEN_OVER_MS = 30_000

let kafka: Kafka
before(async () => {
  kafka = await startKafka()
}, SLOW)
after(() => kafka.stop())

async function worker(
  t: TestScope,
  fixture: EffectsFixture,
  session: Pick<WorkerOptions, 'sessionTimeoutMs'> = { sessionTimeoutMs: SESSION_MS },
): Promise<Worker> {
  return startWorker(t, {
    databaseUrl: fixture.databaseUrl,
    brokers: kafka.brokers,
    group: `group-of-${fixture.topic}`,
    topics: [fixture.topic],
    ...session,
  })
}

const msSince = (startedAt: number): number => Math.round(performance.now() - startedAt)

/** Appends records until `stop`, which returns how many. */
function keepAppending(fixture: EffectsFixture): { stop(): Promise<number> } {
  let going = true
  let appended = 0
  const running = (async () => {
    for (; going; appended += 10) await fixture.append(10)
    return appended
  })()
  return {
    stop: () => {
      going = false
      return running
    },
  }
}

const workersOf = async ({ db }: EffectsFixture, since: bigint): Promise<number[]> => {
  const { rows } = await db.query<{ worker: number }>(
    'SELECT DISTINCT worker FROM effects WHERE id > $1 ORDER BY worker',
    [since],
  )
  return rows.map((row) => row.worker)
}

const lastEffect = async ({ db }: EffectsFixture): Promise<bigint> => {
  const { rows } = await db.query<{ last: bigint | null }>('SELECT max(id) AS last FROM effects')
  return rows[0]!.last ?? 0n
}

/** Counts a worker's backends. They still execute a COMMIT that a killed process sent. */
const backendsOf = async ({ db }: EffectsFixture, { pid }: Worker): Promise<number> => {
  const text = 'SELECT FROM pg_stat_activity WHERE application_name = $1'
  return (await db.query(text, [`worker ${pid}`])).rows.length
}

test('F4: two processes share the partitions, and a killed one is replaced', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  // With the services' session timeout, so that the measured times apply to production.
  const first = await worker(t, fixture, {})
  const appending = keepAppending(fixture)
  await eventually(async () => (await partitionsSince(fixture, 0n)) === 12)
  const addedAt = performance.now()
  const second = await worker(t, fixture, {})
  const both = [first.pid, second.pid].toSorted((a, b) => a - b)
  await eventually(
    async () => {
      assert.deepEqual(await workersOf(fixture, 0n), both)
      return true
    },
    { timeoutMs: TAKEN_OVER_MS, label: 'both processes apply records' },
  )
  t.diagnostic(`a second process applies records after ${msSince(addedAt)} ms`)
  const killedAt = performance.now()
  assert.ok((await backendsOf(fixture, first)) > 0)
  await first.kill()
  await eventually(async () => (await backendsOf(fixture, first)) === 0, {
    timeoutMs: TAKEN_OVER_MS,
    label: 'the backends of the killed process have ended',
  })
  const before = await lastEffect(fixture)
  await eventually(async () => (await partitionsSince(fixture, before)) === 12, {
    timeoutMs: TAKEN_OVER_MS,
    label: 'the other process has all partitions',
  })
  t.diagnostic(`the other process has all partitions after ${msSince(killedAt)} ms`)
  const appended = await appending.stop()
  await eventually(async () => (await fixture.count()) === appended, {
    label: 'everything is applied',
  })
  assert.deepEqual(await workersOf(fixture, before), [second.pid])
  await fixture.assertAllOnce()
})

test('F4, rule 1: the transaction of a process that hung past its session is refused', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  const [hanging, other] = [await worker(t, fixture), await worker(t, fixture)]
  const appending = keepAppending(fixture)
  const refused = (): Promise<number> => hanging.counter('consumer_offsets_moved_total')
  for (let cycle = 0; cycle < 5 && (await refused()) === 0; cycle += 1) {
    const both = [hanging.pid, other.pid].toSorted((a, b) => a - b)
    const begin = await lastEffect(fixture)
    await eventually(async () => {
      assert.deepEqual(await workersOf(fixture, begin), both)
      return true
    })
    hanging.signal('SIGSTOP')
    const stoppedAt = await lastEffect(fixture)
    await eventually(async () => (await partitionsSince(fixture, stoppedAt)) === 12, {
      timeoutMs: TAKEN_OVER_MS,
      label: 'the other process has all partitions',
    })
    hanging.signal('SIGCONT')
  }
  assert.ok((await refused()) > 0, 'no transaction of the hung process was refused')
  const appended = await appending.stop()
  await eventually(async () => (await fixture.count()) === appended, {
    label: 'everything is applied',
  })
  await fixture.assertAllOnce()
})

test('F4: a process that hangs in a transaction does not block the others for long', async (t) => {
  const fixture = await createEffectsFixture(t, kafka)
  const hanging = await worker(t, fixture)
  const appending = keepAppending(fixture)
  await hanging.hold()
  hanging.signal('SIGSTOP')
  await worker(t, fixture)
  await eventually(async () => (await partitionsSince(fixture, 0n)) === 12, {
    timeoutMs: TAKEN_OVER_MS,
    label: 'the other process has all partitions',
  })
  hanging.signal('SIGCONT')
  hanging.release()
  const appended = await appending.stop()
  await eventually(async () => (await fixture.count()) === appended, {
    label: 'everything is applied',
  })
  await fixture.assertAllOnce()
})

async function partitionsSince({ db }: EffectsFixture, id: bigint): Promise<number> {
  const { rows } = await db.query<{ partitions: bigint }>(
    'SELECT count(DISTINCT partition) AS partitions FROM effects WHERE id > $1',
    [id],
  )
  return Number(rows[0]!.partitions)
}
