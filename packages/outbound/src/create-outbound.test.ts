import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type Claimed, createOutbound, type Outbound } from './create-outbound.ts'
import { type Deadline, deadlineIn } from './deadline.ts'

type Call = { peer: 'a'; deadline: Deadline }
type Engine = Outbound<'a', Call>

const NONE: Claimed<Call> = { calls: [], count: 0, more: false }

function engineOf(
  t: TestContext,
  claim: () => Promise<Claimed<Call>>,
  call: (call: Call, signal: AbortSignal) => Promise<string | null> = async () => 'done',
) {
  const recorded: string[] = []
  const engine: Engine = createOutbound<'a', Call, string>({
    peers: { a: { most: 10 } },
    claim,
    call,
    async record(results) {
      recorded.push(...results)
    },
    onCallFault: () => {},
    onRecordFault: () => {},
    logger: createLogger({ service: 'outbound', level: 'silent' }),
  })
  t.after(() => engine.stop(0))
  return { engine, recorded }
}

test('rows that are added during a claim stay in the backlog and are claimed', async (t) => {
  const first = Promise.withResolvers<Claimed<Call>>()
  const second = Promise.withResolvers<Claimed<Call>>()
  const answers = [first.promise, second.promise]
  let claims = 0
  const { engine } = engineOf(t, async () => answers[claims++] ?? NONE)
  await eventually(() => claims === 1)
  engine.addBacklog()
  first.resolve(NONE)
  await eventually(() => claims === 2)
  assert.ok(engine.backlog)
  second.resolve(NONE)
  await eventually(() => !engine.backlog)
})

test('the first claim asks the engine for its room', async (t) => {
  const rooms: number[] = []
  const { engine } = engineOf(t, async () => {
    rooms.push(engine.room('a'))
    return NONE
  })
  await eventually(() => !engine.backlog)
  assert.equal(rooms[0], 10)
})

test('a stop aborts the calls for which it waits no longer, and their rows keep their lease', async (t) => {
  let aborted = false
  const { engine, recorded } = engineOf(
    t,
    async () => NONE,
    (_call, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = true
          resolve('aborted')
        })
      }),
  )
  engine.begin([{ peer: 'a', deadline: deadlineIn(60_000) }])
  await engine.stop(0)
  assert.ok(aborted)
  assert.deepEqual(recorded, [])
})

test('a call without a result frees its place and records nothing', async (t) => {
  const { engine, recorded } = engineOf(
    t,
    async () => NONE,
    async () => null,
  )
  engine.begin([{ peer: 'a', deadline: deadlineIn(60_000) }])
  await eventually(() => engine.free('a') === 10)
  assert.deepEqual(recorded, [])
})
