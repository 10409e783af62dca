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
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { runCli } from '../../cli/test/run-cli.ts'
import { completedIn, metricOf, relayOf, totalOf } from '../support/processes/inspect-processes.ts'
import { killRelayBeforeMarking } from '../support/processes/kill-relay-before-marking.ts'
import { delayCommits, type OutboxRow } from '../support/processes/late-commits.ts'
import { CORE } from '../support/processes/plan-processes.ts'
import { readTopic } from '../support/processes/read-topic.ts'
import {
  assertNothingLost,
  startLoad,
  startCluster,
  describeTraffic,
  type TestCluster,
} from '../support/processes/test-cluster.ts'

const TAKEOVER_MS = 60_000
/** One for each service that consumes events. */
const REBALANCES = CORE.length
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
  let cluster: TestCluster
  before(async () => {
    cluster = await startCluster(scope)
  }, SLOW)

  /** Waits until `count` more payments are completed. */
  async function moreCompleted(count: number): Promise<void> {
    const goal = (await completedIn(cluster.dataDir)) + count
    await eventually(async () => (await completedIn(cluster.dataDir)) >= goal, {
      timeoutMs: TAKEOVER_MS,
      label: `${count} more payments are completed`,
    })
  }

  test('the command line finds the system with environment variables only', SLOW, async (t) => {
    const cwd = await mkdtemp(join(tmpdir(), 'caudal-test-commands-'))
    t.after(() => rm(cwd, { recursive: true }))
    const run = async <T>(...words: string[]): Promise<T> => {
      const env = { ...cluster.system.commandEnvironment, CAUDAL_DATA: join(cwd, 'nothing') }
      const { code, stdout, stderr } = await runCli([...words, '--json'], { cwd, env })
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
    assert.ok(again.steps.length >= 7, 'every service reports its steps')
    type Report = { accepted: number; completed: number; lost: number }
    const report = await run<Report>('demo', '--rate', '20', '--seconds', '2')
    assert.deepEqual([report.accepted, report.completed, report.lost], [40, 40, 0])
    assert.equal((await run<{ ok: boolean }>('verify')).ok, true)
  })

  test(
    'other processes take over when the relay leader and a process of every service are killed',
    SLOW,
    async (t) => {
      const { system } = cluster
      const traffic = await startLoad(cluster)
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
        t.diagnostic(`${service}: another process has all partitions after ${tookMs()} ms`)
        await moreCompleted(40)
        await leader.start()
      }
      const others = (['api-gateway', 'orders', 'identity', 'notifications'] as const).map(
        (service) => system.of(service)[0]!,
      )
      await Promise.all(others.map((one) => one.kill()))
      await moreCompleted(40)
      await Promise.all(others.map((one) => one.start()))
      t.diagnostic(describeTraffic(traffic))
      await assertNothingLost(cluster, traffic)
    },
  )

  test(
    'a rebalance every five seconds under load moves work and duplicates nothing',
    SLOW,
    async (t) => {
      const { system } = cluster
      const traffic = await startLoad(cluster)
      const rebalances = await totalOf(system, CORE, 'consumer_rebalances_total')
      for (let round = 0; round < REBALANCES; round += 1) {
        const nextAt = performance.now() + EVERY_MS
        const service = CORE[round]!
        const startedAt = performance.now()
        const extra = await system.add(service)
        const worked = () => metricOf(extra, 'events_consumed_total')
        await eventually(async () => (await worked()) > 0, {
          timeoutMs: TAKEOVER_MS,
          label: `the new process of ${service} consumes events`,
        }).catch(async (error: unknown) => {
          for (const name of WHY_IDLE) t.diagnostic(`${name}: ${await metricOf(extra, name)}`)
          throw error
        })
        const tookMs = Math.round(performance.now() - startedAt)
        t.diagnostic(`${service}: a new process consumes events after ${tookMs} ms`)
        await eventually(() => performance.now() >= nextAt)
        assert.equal(await extra.stop(), 0)
      }
      const seen = (await totalOf(system, CORE, 'consumer_rebalances_total')) - rebalances
      t.diagnostic(`${seen} rebalances`)
      assert.ok(seen >= REBALANCES, `only ${seen} rebalances, so the fault did not occur`)
      t.diagnostic(describeTraffic(traffic))
      await assertNothingLost(cluster, traffic)
    },
  )

  test('a consumer that hangs past its session and continues changes nothing', SLOW, async (t) => {
    const traffic = await startLoad(cluster)
    for (const service of ['wallets', 'processor'] as const) {
      const hanging = await eventually(() => relayOf(cluster.system, service))
      const other = cluster.system.of(service).find((one) => one !== hanging && one.pid)!
      const before = await metricOf(other, 'consumer_rebalances_total')
      const { pid } = hanging
      hanging.pause()
      await eventually(() => isStopped(pid!))
      await eventually(async () => (await metricOf(other, 'consumer_rebalances_total')) > before, {
        timeoutMs: TAKEOVER_MS,
        label: 'the other process gets the partitions',
      })
      await eventually(async () => (await metricOf(other, 'relay_active')) === 1, {
        timeoutMs: TAKEOVER_MS,
        label: 'the other process publishes',
      })
      await moreCompleted(40)
      assert.ok(await isStopped(pid!), 'the process is still stopped')
      hanging.resume()
      const back = async () => (await metricOf(hanging, 'consumer_rebalances_total')) > 0
      await eventually(back, { timeoutMs: TAKEOVER_MS, label: 'the process has rejoined' })
      await moreCompleted(20)
      const refused = await metricOf(hanging, 'consumer_offsets_moved_total')
      t.diagnostic(`${service}: ${refused} transactions of the hung process were refused`)
    }
    t.diagnostic(describeTraffic(traffic))
    await assertNothingLost(cluster, traffic)
  })

  test(
    'records are published again if the relay is killed before it marks them as published',
    SLOW,
    async (t) => {
      const traffic = await startLoad(cluster)
      for (const service of ['payments', 'wallets'] as const) {
        const died = await killRelayBeforeMarking(cluster, service)
        assert.equal(died, 'SIGKILL')
        await moreCompleted(20)
      }
      t.diagnostic(describeTraffic(traffic))
      await assertNothingLost(cluster, traffic)
      const log = await openLog(cluster)
      for (const topic of [TOPICS.paymentsRequested, TOPICS.fundsReserved]) {
        const records = await readTopic(log, topic)
        const ids = records.map(({ value }) => (JSON.parse(value) as { event_id: string }).event_id)
        const twice = ids.length - new Set(ids).size
        t.diagnostic(`${topic}: ${twice} of ${ids.length} records are duplicates`)
        assert.ok(twice > 0, 'nothing was published twice, so the fault did not occur')
      }
      await log.close()
    },
  )

  test(
    'rule 5: late commits of concurrent writers are not skipped, and the order per key is kept',
    SLOW,
    async (t) => {
      const traffic = await startLoad(cluster)
      const written: OutboxRow[][] = []
      for (const service of ['payments', 'wallets'] as const) {
        const delayed = await delayCommits(cluster.dataDir, service)
        await eventually(async () => (await delayed.late()).length >= LATE_ROWS, {
          timeoutMs: TAKEOVER_MS,
          label: `the relay of ${service} passes rows that are committed later`,
        })
        await moreCompleted(40)
        const late = (await delayed.late()).length
        written.push(await delayed.stop())
        t.diagnostic(`${service}: ${late} rows were committed after the relay had passed them`)
      }
      t.diagnostic(describeTraffic(traffic))
      await assertNothingLost(cluster, traffic)
      const log = await openLog(cluster)
      for (const rows of written) await assertPublishedInOrder(log, rows)
      await log.close()
    },
  )

  test('a rolling restart loses no payment', SLOW, async (t) => {
    const traffic = await startLoad(cluster)
    for (const service of ['api-gateway', 'payments', 'wallets', 'processor'] as const) {
      for (const one of cluster.system.of(service).filter(({ pid }) => pid !== undefined)) {
        assert.equal(await one.stop(), 0)
        await one.start()
      }
    }
    t.diagnostic(describeTraffic(traffic))
    await assertNothingLost(cluster, traffic)
  })

  test(
    'payments continue while Redis is down, and each gateway limits rates by itself',
    SLOW,
    async (t) => {
      const { redis, system } = cluster
      const gateways = system.of('api-gateway')
      const areShared = async (value: number): Promise<boolean> => {
        const seen = gateways.map((one) => metricOf(one, 'gateway_rate_limit_shared'))
        return (await Promise.all(seen)).every((one) => one === value)
      }
      await eventually(() => areShared(1))
      const traffic = await startLoad(cluster)
      await redis.kill()
      await eventually(() => areShared(0))
      await traffic.more(80)
      await redis.restart()
      await eventually(() => areShared(1))
      t.diagnostic(describeTraffic(traffic))
      // On a slow machine a connection may break or time out.
      const refused = [...traffic.repeated().keys()].filter((it) => /^(429|500|503) /.test(it))
      assert.deepEqual(refused, [], 'no request is refused while Redis is down')
      await assertNothingLost(cluster, traffic)
    },
  )

  test('all processes stop with exit code 0', SLOW, async () => {
    assert.deepEqual(await cluster.system.stop(), [])
  })
})

async function openLog({ kafka, dataDir }: TestCluster): Promise<EventLog> {
  const serverUrl = (await findSystem({ dataDir, url: undefined })).databaseUrl('postgres')
  const settings = { brokers: kafka.brokers, checkTopicsOnly: true }
  return openEventLog({ serverUrl, kafka: settings }, silent)
}

/** Asserts that every outbox row is in the log, ordered by id for each key. */
async function assertPublishedInOrder(log: EventLog, rows: readonly OutboxRow[]): Promise<void> {
  for (const [topic, own] of Map.groupBy(rows, (row) => row.topic)) {
    const wanted = new Set(own.map(({ eventId }) => eventId))
    const published = (await readTopic(log, topic))
      .map(({ key, value }) => ({ key, id: (JSON.parse(value) as { event_id: string }).event_id }))
      .filter(({ id }) => wanted.has(id))
    const byKey = Map.groupBy(published, ({ key }) => key)
    for (const [key, ofKey] of Map.groupBy(own, (row) => row.key)) {
      const ids = new Set(byKey.get(key)?.map(({ id }) => id)) // some are duplicates
      assert.deepEqual(
        [...ids],
        ofKey.map(({ eventId }) => eventId),
        `${topic}, ${key}`,
      )
    }
  }
}

/** Whether the process is stopped by SIGSTOP; only known on Linux. */
async function isStopped(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true
  return / \) T |\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))
}
