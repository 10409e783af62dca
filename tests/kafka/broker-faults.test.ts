import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { slowness } from '@caudal/testing/slowness.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { completedIn, countIn, totalOf } from '../support/processes/inspect-processes.ts'
import { electPreferred, moveLeaders, placementsOf } from '../support/processes/move-leaders.ts'
import { CORE } from '../support/processes/plan-processes.ts'
import {
  assertNothingLost,
  startLoad,
  startCluster,
  describeTraffic,
  type TestCluster,
} from '../support/processes/test-cluster.ts'
import type { Traffic } from '../support/traffic.ts'

const FAILOVER_MS = 60_000
/** The gateway's timeout of ten seconds, and a margin; a busy machine has more. */
const LONGEST_ANSWER_MS = 15_000
/** Less than the time to replace a killed broker. */
const HANDED_OVER_MS = 3_000
const FAILURES = 'consumer_fetch_failures_total'

const assertAnsweredInTime = ({ longestMs }: Traffic): void =>
  assert.ok(longestMs() < LONGEST_ANSWER_MS * slowness(), `${longestMs()} ms`)

describe('P9, F3: the system survives failures of brokers', () => {
  const scope = suiteScope(SLOW)
  let cluster: TestCluster
  before(async () => {
    cluster = await startCluster(scope)
  }, SLOW)

  async function moreCompleted(count: number): Promise<void> {
    const goal = (await completedIn(cluster.dataDir)) + count
    await eventually(async () => (await completedIn(cluster.dataDir)) >= goal, {
      timeoutMs: FAILOVER_MS,
      label: `${count} more payments are completed`,
    })
  }

  const waiting = (): Promise<number> => countIn(cluster.dataDir, 'payments', 'outbox_unpublished')

  test('payments continue while one of three brokers is down', SLOW, async (t) => {
    const { kafka } = cluster
    const traffic = await startLoad(cluster)
    const unreachable = () => totalOf(cluster.system, CORE, FAILURES, 'broker')
    const before = await unreachable()
    await kafka.node(1).kill()
    assert.equal(kafka.node(1).pid, undefined)
    const startedAt = performance.now()
    await moreCompleted(80)
    t.diagnostic(`80 payments completed ${Math.round(performance.now() - startedAt)} ms after`)
    assert.ok((await unreachable()) > before, 'consumers count failed fetches from the broker')
    await kafka.node(1).start()
    t.diagnostic(describeTraffic(traffic))
    assertAnsweredInTime(traffic)
    await assertNothingLost(cluster, traffic)
  })

  test('consumers follow when the leader of every partition is moved twice', SLOW, async (t) => {
    const { kafka, system } = cluster
    const traffic = await startLoad(cluster)
    const followed = () => totalOf(system, CORE, 'consumer_leaders_moved_total')
    for (const turn of ['first', 'second']) {
      const before = await followed()
      const moved = await moveLeaders(kafka)
      assert.ok(moved > 12, `only ${moved} partitions moved, so the fault did not occur`)
      await eventually(async () => (await followed()) > before, {
        label: 'consumers find the new leaders',
      })
      await moreCompleted(40)
      const seen = (await followed()) - before
      t.diagnostic(`${turn} time: ${moved} leaders moved; consumers found them ${seen} times`)
    }
    t.diagnostic(describeTraffic(traffic))
    assertAnsweredInTime(traffic)
    await assertNothingLost(cluster, traffic)
  })

  test(
    'a broker that is stopped hands over its partitions, and leads again after an election',
    SLOW,
    async (t) => {
      const { kafka } = cluster
      const traffic = await startLoad(cluster)
      const ledByTwo = async (): Promise<number> =>
        (await placementsOf(kafka)).filter(({ leader }) => leader === 2).length
      await kafka.node(2).stop()
      await eventually(async () => (await ledByTwo()) === 0, {
        timeoutMs: HANDED_OVER_MS,
        label: 'the stopped broker leads no partition',
      })
      await moreCompleted(40)
      await kafka.node(2).start()
      await eventually(
        async () => {
          await electPreferred(kafka)
          return (await ledByTwo()) > 0
        },
        { timeoutMs: FAILOVER_MS, label: 'broker 2 leads again' },
      )
      await moreCompleted(40)
      t.diagnostic(describeTraffic(traffic))
      await assertNothingLost(cluster, traffic)
    },
  )

  test(
    'payments are accepted and wait in the outbox while two of three brokers are down',
    SLOW,
    async (t) => {
      const { kafka } = cluster
      const traffic = await startLoad(cluster)
      await Promise.all([kafka.node(1).kill(), kafka.node(3).kill()])
      await eventually(async () => (await waiting()) >= 40, {
        timeoutMs: FAILOVER_MS,
        label: 'events wait in the outbox',
      })
      const accepted = traffic.accepted()
      await traffic.more(80)
      t.diagnostic(`${await waiting()} events wait in the outbox of payments`)
      assert.ok(traffic.accepted() > accepted, 'payments are still accepted')
      await Promise.all([kafka.node(1).start(), kafka.node(3).start()])
      await moreCompleted(40)
      t.diagnostic(describeTraffic(traffic))
      assertAnsweredInTime(traffic)
      await assertNothingLost(cluster, traffic)
    },
  )

  test('no payment is lost when all brokers are killed and restarted', SLOW, async (t) => {
    const { kafka } = cluster
    const traffic = await startLoad(cluster)
    await Promise.all([1, 2, 3].map((id) => kafka.node(id).kill()))
    await eventually(async () => (await waiting()) >= 40, {
      timeoutMs: FAILOVER_MS,
      label: 'events wait in the outbox',
    })
    await Promise.all([1, 2, 3].map((id) => kafka.node(id).start()))
    await moreCompleted(40)
    t.diagnostic(describeTraffic(traffic))
    assertAnsweredInTime(traffic)
    await assertNothingLost(cluster, traffic)
  })

  test('all processes stop with exit code 0', SLOW, async () => {
    assert.deepEqual(await cluster.system.stop(), [])
  })
})
