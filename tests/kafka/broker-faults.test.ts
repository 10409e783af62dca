import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { countIn, completedIn } from '../support/processes/look-inside.ts'
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
const TOPICS = 'org.apache.kafka.tools.TopicCommand'
const ELECTION = 'org.apache.kafka.tools.LeaderElectionCommand'

describe('P9, F3: brokers fail under the system', () => {
  const scope = suiteScope()
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
    await kafka.node(1).kill()
    assert.equal(kafka.node(1).pid, undefined)
    const startedAt = performance.now()
    await moreCompleted(80)
    t.diagnostic(`80 payments completed ${Math.round(performance.now() - startedAt)} ms after`)
    await kafka.node(1).start()
    t.diagnostic(whatHappened(traffic))
    assert.ok(traffic.longestMs() < LONGEST_ANSWER_MS)
    await nothingWasLost(world, traffic)
  })

  test(
    'leaders moved: away from a broker that is stopped, and back by election',
    SLOW,
    async (t) => {
      const { kafka } = world
      const traffic = await startLoad(world)
      await kafka.node(2).stop()
      await moreCompleted(40)
      await kafka.node(2).start()
      const bootstrap = ['--bootstrap-server', kafka.brokers.join(',')]
      const ledByTwo = async (): Promise<number> => {
        const described = await kafka.tool(TOPICS, [...bootstrap, '--describe'])
        return described.split('\n').filter((line) => line.includes('Leader: 2\t')).length
      }
      assert.equal(await ledByTwo(), 0, 'a broker that was stopped leads nothing')
      const all = ['--election-type', 'preferred', '--all-topic-partitions']
      await eventually(
        async () => {
          await kafka.tool(ELECTION, [...bootstrap, ...all]).catch(() => '')
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
})
