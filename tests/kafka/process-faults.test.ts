import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { delayCommits, type OutboxRow } from '../support/processes/late-commits.ts'
import { completedIn, metricOf, relayOf, totalOf } from '../support/processes/look-inside.ts'
import { CORE } from '../support/processes/plan-processes.ts'
import { readTopic } from '../support/processes/read-topic.ts'
import { relayDiesBeforeItMarks } from '../support/processes/relay-dies.ts'
import {
  nothingWasLost,
  startLoad,
  startWorld,
  whatHappened,
  type World,
} from '../support/processes/world.ts'
import { runCommand } from '../support/run-caudal.ts'

/** For a slow machine. */
const SLOW = { timeout: 400_000 }
const TAKEOVER_MS = 60_000
const REBALANCES = 6
const EVERY_MS = 5_000
const WHY_IDLE = [
  'consumer_rebalances_total',
  'consumer_join_failures_total',
  'consumer_fetch_failures_total',
  'consumer_failures_total',
]
const LATE_ROWS = 20
const silent = createLogger({ service: 'test', level: 'silent' })

describe('P9, F4: two processes of each service on three brokers', () => {
  const scope = suiteScope(SLOW)
  let world: World
  before(async () => {
    world = await startWorld(scope)
  }, SLOW)

  /** So many more payments are completed than now. */
  async function moreCompleted(count: number): Promise<void> {
    const goal = (await completedIn(world.dataDir)) + count
    await eventually(async () => (await completedIn(world.dataDir)) >= goal, {
      timeoutMs: TAKEOVER_MS,
      label: `${count} more payments are completed`,
    })
  }

  test('the command line finds the system by its environment alone', SLOW, async (t) => {
    const cwd = await mkdtemp(join(tmpdir(), 'caudal-test-commands-'))
    t.after(() => rm(cwd, { recursive: true }))
    const run = async <T>(...words: string[]): Promise<T> => {
      const env = { ...world.system.commandEnvironment, CAUDAL_DATA: join(cwd, 'nothing') }
      const { code, stdout, stderr } = await runCommand([...words, '--json'], { cwd, env })
      assert.equal(code, 0, `${words.join(' ')}: ${stderr}`)
      return JSON.parse(stdout) as T
    }
    type Users = { users: { user_id: string }[] }
    const { users } = await run<Users>(
      'seed',
      '--users',
      '1',
      '--orders',
      '1',
      '--balance',
      '20.00',
    )
    const [{ user_id: user }] = users as [Users['users'][0]]
    assert.ok((await run<{ token: string }>('token', '--user', user)).token)
    type Followed = { payment_id: string; status: string; steps: object[] }
    const paid = await run<Followed>('pay', '--user', user)
    assert.equal(paid.status, 'COMPLETED')
    const again = await run<Followed>('payment', paid.payment_id)
    assert.ok(again.steps.length >= 7, 'every service tells its steps')
    type Report = { accepted: number; completed: number; lost: number }
    const report = await run<Report>('demo', '--rate', '20', '--seconds', '2')
    assert.deepEqual([report.accepted, report.completed, report.lost], [40, 40, 0])
    assert.equal((await run<{ ok: boolean }>('verify')).ok, true)
  })

  test(
    'the leader of each outbox and a process of every service killed: the others take over',
    SLOW,
    async (t) => {
      const { system } = world
      const traffic = await startLoad(world)
      for (const service of CORE.slice(0, 3)) {
        const leader = await eventually(() => relayOf(system, service))
        const other = system.of(service).find((one) => one !== leader && one.pid)!
        const joinedBefore = await metricOf(other, 'consumer_rebalances_total')
        await leader.kill()
        assert.equal(leader.pid, undefined)
        const startedAt = performance.now()
        const tookMs = () => Math.round(performance.now() - startedAt)
        const next = await eventually(() => relayOf(system, service), { timeoutMs: TAKEOVER_MS })
        t.diagnostic(`${service}: another process publishes after ${tookMs()} ms`)
        assert.equal(next, other)
        const joined = () => metricOf(next, 'consumer_rebalances_total')
        await eventually(async () => (await joined()) > joinedBefore, {
          timeoutMs: TAKEOVER_MS,
          label: 'the other process has all partitions',
        })
        t.diagnostic(`${service}: it has all partitions after ${tookMs()} ms`)
        await moreCompleted(40)
        await leader.start()
      }
      const others = (['api-gateway', 'orders', 'identity', 'notifications'] as const).map(
        (service) => system.of(service)[0]!,
      )
      await Promise.all(others.map((one) => one.kill()))
      await moreCompleted(40)
      await Promise.all(others.map((one) => one.start()))
      t.diagnostic(whatHappened(traffic))
      await nothingWasLost(world, traffic)
    },
  )

  test(
    'a rebalance every five seconds under load: work moves, nothing is done twice',
    SLOW,
    async (t) => {
      const { system } = world
      const traffic = await startLoad(world)
      const rebalances = await totalOf(system, CORE, 'consumer_rebalances_total')
      for (let round = 0; round < REBALANCES; round += 1) {
        const nextAt = performance.now() + EVERY_MS
        const service = CORE[round % CORE.length]!
        const startedAt = performance.now()
        const extra = await system.add(service)
        const worked = () => metricOf(extra, 'events_consumed_total')
        await eventually(async () => (await worked()) > 0, {
          timeoutMs: TAKEOVER_MS,
          label: `the new process of ${service} gets work`,
        }).catch(async (error: unknown) => {
          for (const name of WHY_IDLE) t.diagnostic(`${name}: ${await metricOf(extra, name)}`)
          throw error
        })
        const tookMs = Math.round(performance.now() - startedAt)
        t.diagnostic(`${service}: one more has started and worked after ${tookMs} ms`)
        await eventually(() => performance.now() >= nextAt)
        assert.equal(await extra.stop(), 0)
      }
      const seen = (await totalOf(system, CORE, 'consumer_rebalances_total')) - rebalances
      t.diagnostic(`${seen} assignments changed`)
      assert.ok(seen >= REBALANCES, `${seen} rebalances: the fault never fired`)
      t.diagnostic(whatHappened(traffic))
      await nothingWasLost(world, traffic)
    },
  )

  test('a consumer that hangs past its session and comes back changes nothing', SLOW, async (t) => {
    const traffic = await startLoad(world)
    for (const service of ['wallets', 'processor'] as const) {
      const hanging = await eventually(() => relayOf(world.system, service))
      const other = world.system.of(service).find((one) => one !== hanging && one.pid)!
      const before = await metricOf(other, 'consumer_rebalances_total')
      const { pid } = hanging
      hanging.pause()
      await eventually(() => isStopped(pid!))
      await eventually(async () => (await metricOf(other, 'consumer_rebalances_total')) > before, {
        timeoutMs: TAKEOVER_MS,
        label: 'the partitions go to the other process',
      })
      await eventually(async () => (await metricOf(other, 'relay_active')) === 1, {
        timeoutMs: TAKEOVER_MS,
        label: 'the other process publishes',
      })
      await moreCompleted(40)
      assert.ok(await isStopped(pid!), 'it hangs all the time')
      hanging.resume()
      const back = async () => (await metricOf(hanging, 'consumer_rebalances_total')) > 0
      await eventually(back, { timeoutMs: TAKEOVER_MS, label: 'it is back' })
      await moreCompleted(20)
      const refused = await metricOf(hanging, 'consumer_offsets_moved_total')
      t.diagnostic(`${service}: ${refused} transactions of the one that hung were refused`)
    }
    t.diagnostic(whatHappened(traffic))
    await nothingWasLost(world, traffic)
  })

  test(
    'a relay killed after it published and before it marked publishes again',
    SLOW,
    async (t) => {
      const traffic = await startLoad(world)
      for (const service of ['payments', 'wallets'] as const) {
        const died = await relayDiesBeforeItMarks(world, service)
        assert.equal(died, 'SIGKILL')
        await moreCompleted(20)
      }
      t.diagnostic(whatHappened(traffic))
      await nothingWasLost(world, traffic)
      const log = await openLog(world)
      for (const topic of [TOPICS.paymentsRequested, TOPICS.fundsReserved]) {
        const records = await readTopic(log, topic)
        const ids = records.map(({ value }) => (JSON.parse(value) as { event_id: string }).event_id)
        const twice = ids.length - new Set(ids).size
        t.diagnostic(`${topic}: ${twice} of ${ids.length} records are there twice`)
        assert.ok(twice > 0, 'nothing was published twice: the fault never fired')
      }
      await log.close()
    },
  )

  test(
    'rule 5: commits of concurrent writers come late: none is skipped, order per key is kept',
    SLOW,
    async (t) => {
      const traffic = await startLoad(world)
      const written: OutboxRow[][] = []
      for (const service of ['payments', 'wallets'] as const) {
        const delayed = await delayCommits(world.dataDir, service)
        await eventually(async () => (await delayed.late()).length >= LATE_ROWS, {
          timeoutMs: TAKEOVER_MS,
          label: `the relay of ${service} jumps over rows that are committed afterwards`,
        })
        await moreCompleted(40)
        const late = (await delayed.late()).length
        written.push(await delayed.stop())
        t.diagnostic(`${service}: ${late} rows were committed after the relay had jumped over them`)
      }
      t.diagnostic(whatHappened(traffic))
      await nothingWasLost(world, traffic)
      const log = await openLog(world)
      for (const rows of written) await assertPublishedInOrder(log, rows)
      await log.close()
    },
  )

  test(
    'a rolling restart refuses nothing that is not accepted at the second try',
    SLOW,
    async (t) => {
      const traffic = await startLoad(world)
      for (const service of ['api-gateway', 'payments', 'wallets', 'processor'] as const) {
        for (const one of world.system.of(service).filter(({ pid }) => pid !== undefined)) {
          assert.equal(await one.stop(), 0)
          await one.start()
        }
      }
      t.diagnostic(whatHappened(traffic))
      await nothingWasLost(world, traffic)
    },
  )

  test(
    'Redis killed: payments go on, each gateway limits for itself, until it is back',
    SLOW,
    async (t) => {
      const { redis, system } = world
      const gateways = system.of('api-gateway')
      const areShared = async (value: number): Promise<boolean> => {
        const seen = gateways.map((one) => metricOf(one, 'gateway_rate_limit_shared'))
        return (await Promise.all(seen)).every((one) => one === value)
      }
      await eventually(() => areShared(1))
      const traffic = await startLoad(world)
      await redis.kill()
      await eventually(() => areShared(0))
      await traffic.more(80)
      await redis.restart()
      await eventually(() => areShared(1))
      t.diagnostic(whatHappened(traffic))
      // On a slow machine a connection may break or time out meanwhile.
      const refused = [...traffic.repeated().keys()].filter((it) => /^(429|500|503) /.test(it))
      assert.deepEqual(refused, [], 'nobody noticed')
      await nothingWasLost(world, traffic)
    },
  )

  test('everything stops in order', SLOW, async () => {
    assert.deepEqual(await world.system.stop(), [])
  })
})

async function openLog({ kafka, dataDir }: World): Promise<EventLog> {
  const serverUrl = (await findSystem({ dataDir, url: undefined })).databaseUrl('postgres')
  const settings = { brokers: kafka.brokers, checkTopicsOnly: true }
  return openEventLog({ serverUrl, kafka: settings }, silent)
}

/** Every row of the outbox is in the log, and those of a key in the order of their ids. */
async function assertPublishedInOrder(log: EventLog, rows: readonly OutboxRow[]): Promise<void> {
  for (const [topic, own] of Map.groupBy(rows, (row) => row.topic)) {
    const wanted = new Set(own.map(({ eventId }) => eventId))
    const published = (await readTopic(log, topic))
      .map(({ key, value }) => ({ key, id: (JSON.parse(value) as { event_id: string }).event_id }))
      .filter(({ id }) => wanted.has(id))
    const byKey = Map.groupBy(published, ({ key }) => key)
    for (const [key, ofKey] of Map.groupBy(own, (row) => row.key)) {
      const ids = new Set(byKey.get(key)?.map(({ id }) => id)) // some are there twice
      assert.deepEqual(
        [...ids],
        ofKey.map(({ eventId }) => eventId),
        `${topic}, ${key}`,
      )
    }
  }
}

/** Whether the process hangs by SIGSTOP; only Linux tells. */
async function isStopped(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true
  return / \) T |\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))
}
