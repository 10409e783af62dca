import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { completedIn, countIn, totalOf } from '../support/processes/look-inside.ts'
import { electPreferred, moveLeaders, placesOf } from '../support/processes/move-leaders.ts'
import { CORE } from '../support/processes/plan-processes.ts'
import {
  nothingWasLost,
  startLoad,
  startWorld,
  whatHappened,
  type World,
} from '../support/processes/world.ts'

/** For a slow machine. */
const SLOW = { timeout: 400_000 }
const FAILOVER_MS = 60_000
/** The gateway gives a service ten seconds; a little for the machine. */
const LONGEST_ANSWER_MS = 15_000
/** Less than it takes to replace a broker that was killed. */
const HANDED_OVER_MS = 3_000
const FAILURES = 'consumer_fetch_failures_total'

describe('P9, F3: brokers fail under the system', () => {
  const scope = suiteScope(SLOW)
  let world: World
  before(async () => {
    world = await startWorld(scope)
  }, SLOW)

  async function moreCompleted(count: number): Promise<void> {
    const goal = (await completedIn(world.dataDir)) + count
    await eventually(async () => (await completedIn(world.dataDir)) >= goal, {
      timeoutMs: FAILOVER_MS,
      label: `${count} more payments are completed`,
    })
  }

  const waiting = (): Promise<number> => countIn(world.dataDir, 'payments', 'outbox_unpublished')

  test('one broker of three killed: payments go on', SLOW, async (t) => {
    const { kafka } = world
    const traffic = await startLoad(world)
    const unreachable = () => totalOf(world.system, CORE, FAILURES, 'broker')
    const before = await unreachable()
    await kafka.node(1).kill()
    assert.equal(kafka.node(1).pid, undefined)
    const startedAt = performance.now()
    await moreCompleted(80)
    t.diagnostic(`80 payments completed ${Math.round(performance.now() - startedAt)} ms after`)
    assert.ok((await unreachable()) > before, 'readers say that a broker is down')
    await kafka.node(1).start()
    t.diagnostic(whatHappened(traffic))
    assert.ok(traffic.longestMs() < LONGEST_ANSWER_MS)
    await nothingWasLost(world, traffic)
  })

  test('every leader moved, twice, while all brokers live: readers follow', SLOW, async (t) => {
    const { kafka, system } = world
    const traffic = await startLoad(world)
    const followed = () => totalOf(system, CORE, 'consumer_leaders_moved_total')
    for (const turn of ['first', 'second']) {
      const before = await followed()
      const moved = await moveLeaders(kafka)
      assert.ok(moved > 12, `${moved} partitions moved: the fault never fired`)
      await eventually(async () => (await followed()) > before, {
        label: 'readers find that their leaders are others',
      })
      await moreCompleted(40)
      const seen = (await followed()) - before
      t.diagnostic(`${turn} time: ${moved} leaders moved; readers found it ${seen} times`)
    }
    t.diagnostic(whatHappened(traffic))
    assert.ok(traffic.longestMs() < LONGEST_ANSWER_MS)
    await nothingWasLost(world, traffic)
  })

  test(
    'a broker stopped in order hands its leaders over, and leads again by election',
    SLOW,
    async (t) => {
      const { kafka } = world
      const traffic = await startLoad(world)
      const ledByTwo = async (): Promise<number> =>
        (await placesOf(kafka)).filter(({ leader }) => leader === 2).length
      await kafka.node(2).stop()
      await eventually(async () => (await ledByTwo()) === 0, {
        timeoutMs: HANDED_OVER_MS,
        label: 'a broker that was stopped leads nothing',
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
      t.diagnostic(whatHappened(traffic))
      await nothingWasLost(world, traffic)
    },
  )

  test('two brokers killed: payments are accepted and wait in the outbox', SLOW, async (t) => {
    const { kafka } = world
    const traffic = await startLoad(world)
    await Promise.all([kafka.node(1).kill(), kafka.node(3).kill()])
    await eventually(async () => (await waiting()) >= 40, {
      timeoutMs: FAILOVER_MS,
      label: 'events wait in the outbox',
    })
    const accepted = traffic.accepted()
    await traffic.more(80)
    t.diagnostic(`${await waiting()} events wait in the outbox of payments`)
    assert.ok(traffic.accepted() > accepted, 'the interface answers as always')
    await Promise.all([kafka.node(1).start(), kafka.node(3).start()])
    await moreCompleted(40)
    t.diagnostic(whatHappened(traffic))
    assert.ok(traffic.longestMs() < LONGEST_ANSWER_MS)
    await nothingWasLost(world, traffic)
  })

  test('all brokers killed and started again: nothing is lost', SLOW, async (t) => {
    const { kafka } = world
    const traffic = await startLoad(world)
    await Promise.all([1, 2, 3].map((id) => kafka.node(id).kill()))
    await eventually(async () => (await waiting()) >= 40, {
      timeoutMs: FAILOVER_MS,
      label: 'events wait in the outbox',
    })
    await Promise.all([1, 2, 3].map((id) => kafka.node(id).start()))
    await moreCompleted(40)
    t.diagnostic(whatHappened(traffic))
    assert.ok(traffic.longestMs() < LONGEST_ANSWER_MS)
    await nothingWasLost(world, traffic)
  })

  test('everything stops in order', SLOW, async () => {
    assert.deepEqual(await world.system.stop(), [])
  })
})
