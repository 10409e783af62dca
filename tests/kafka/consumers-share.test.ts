import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Scope } from '@caudal/testing/test-database.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { type EffectsWorld, effectsWorld } from './support/effects-world.ts'
import { startWorker, type Worker, type WorkerOptions } from './support/start-worker.ts'

/** For a slow machine. */
const SLOW = { timeout: 300_000 }
const SESSION_MS = 2_000
/** A transaction that its process left open is ended by PostgreSQL after 10 s. */
const TAKEN_OVER_MS = 30_000

let kafka: Kafka
before(async () => {
  kafka = await startKafka()
}, SLOW)
after(() => kafka.stop())

async function worker(
  t: Scope,
  it: EffectsWorld,
  session: Pick<WorkerOptions, 'sessionTimeoutMs'> = { sessionTimeoutMs: SESSION_MS },
): Promise<Worker> {
  return startWorker(t, {
    databaseUrl: it.databaseUrl,
    brokers: kafka.brokers,
    group: `group-of-${it.topic}`,
    topics: [it.topic],
    ...session,
  })
}

const msSince = (startedAt: number): number => Math.round(performance.now() - startedAt)

/** Appends until told to stop; resolves to how many. */
function keepAppending(it: EffectsWorld): { stop(): Promise<number> } {
  let going = true
  let appended = 0
  const running = (async () => {
    for (; going; appended += 10) await it.append(10)
    return appended
  })()
  return {
    stop: () => {
      going = false
      return running
    },
  }
}

const workersOf = async ({ db }: EffectsWorld, since: bigint): Promise<number[]> => {
  const { rows } = await db.query<{ worker: number }>(
    'SELECT DISTINCT worker FROM effects WHERE id > $1 ORDER BY worker',
    [since],
  )
  return rows.map((row) => row.worker)
}

const lastEffect = async ({ db }: EffectsWorld): Promise<bigint> => {
  const { rows } = await db.query<{ last: bigint | null }>('SELECT max(id) AS last FROM effects')
  return rows[0]!.last ?? 0n
}

/** How many there are: a COMMIT that a killed process has sent is still carried out by its own. */
const backendsOf = async ({ db }: EffectsWorld, { pid }: Worker): Promise<number> => {
  const text = 'SELECT FROM pg_stat_activity WHERE application_name = $1'
  return (await db.query(text, [`worker ${pid}`])).rows.length
}

test('F4: two processes share the partitions, and one that is killed is replaced', async (t) => {
  const it = await effectsWorld(t, kafka)
  // With the session of the services, so that the figures are those of an operator.
  const first = await worker(t, it, {})
  const appending = keepAppending(it)
  await eventually(async () => (await partitionsSince(it, 0n)) === 12)
  const addedAt = performance.now()
  const second = await worker(t, it, {})
  const both = [first.pid, second.pid].toSorted((a, b) => a - b)
  await eventually(
    async () => {
      assert.deepEqual(await workersOf(it, 0n), both)
      return true
    },
    { timeoutMs: TAKEN_OVER_MS, label: 'both work' },
  )
  t.diagnostic(`one more has started and works after ${msSince(addedAt)} ms`)
  const killedAt = performance.now()
  assert.ok((await backendsOf(it, first)) > 0)
  await first.kill()
  await eventually(async () => (await backendsOf(it, first)) === 0, {
    timeoutMs: TAKEN_OVER_MS,
    label: 'the backends of the killed process are gone',
  })
  const before = await lastEffect(it)
  await eventually(async () => (await partitionsSince(it, before)) === 12, {
    timeoutMs: TAKEN_OVER_MS,
    label: 'the other process has all partitions',
  })
  t.diagnostic(`all partitions of the one killed are worked on after ${msSince(killedAt)} ms`)
  const appended = await appending.stop()
  await eventually(async () => (await it.count()) === appended, { label: 'everything is applied' })
  assert.deepEqual(await workersOf(it, before), [second.pid])
  await it.assertAllOnce()
})

test('F4, rule 1: a process that hung past its session is refused when it goes on', async (t) => {
  const it = await effectsWorld(t, kafka)
  const [hanging, other] = [await worker(t, it), await worker(t, it)]
  const appending = keepAppending(it)
  const refused = (): Promise<number> => hanging.counter('consumer_offsets_moved_total')
  for (let cycle = 0; cycle < 5 && (await refused()) === 0; cycle += 1) {
    const both = [hanging.pid, other.pid].toSorted((a, b) => a - b)
    const begin = await lastEffect(it)
    await eventually(async () => {
      assert.deepEqual(await workersOf(it, begin), both)
      return true
    })
    hanging.signal('SIGSTOP')
    const stoppedAt = await lastEffect(it)
    await eventually(async () => (await partitionsSince(it, stoppedAt)) === 12, {
      timeoutMs: TAKEN_OVER_MS,
      label: 'the other process has all partitions',
    })
    hanging.signal('SIGCONT')
  }
  assert.ok((await refused()) > 0, 'the compare refused what the zombie read')
  const appended = await appending.stop()
  await eventually(async () => (await it.count()) === appended, { label: 'everything is applied' })
  await it.assertAllOnce()
})

test('F4: a process that hangs in its transaction holds up nobody for long', async (t) => {
  const it = await effectsWorld(t, kafka)
  const hanging = await worker(t, it)
  const appending = keepAppending(it)
  await hanging.hold()
  hanging.signal('SIGSTOP')
  await worker(t, it)
  await eventually(async () => (await partitionsSince(it, 0n)) === 12, {
    timeoutMs: TAKEN_OVER_MS,
    label: 'the other process has all partitions',
  })
  hanging.signal('SIGCONT')
  hanging.release()
  const appended = await appending.stop()
  await eventually(async () => (await it.count()) === appended, { label: 'everything is applied' })
  await it.assertAllOnce()
})

async function partitionsSince({ db }: EffectsWorld, id: bigint): Promise<number> {
  const { rows } = await db.query<{ partitions: bigint }>(
    'SELECT count(DISTINCT partition) AS partitions FROM effects WHERE id > $1',
    [id],
  )
  return Number(rows[0]!.partitions)
}
