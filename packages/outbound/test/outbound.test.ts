import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@caudal/testing/eventually.ts'
import { createCircuit } from '../src/circuit.ts'
import { retryAfterMs } from '../src/retry-after.ts'
import { type Answer, done, jobQueue } from './job-queue.ts'

const never = (): Promise<never> => new Promise(() => {})

test('the answer of a lost lease does not overwrite the newer attempt', async (t) => {
  const it = await jobQueue(t)
  await it.add(1)
  const { promise: late, resolve } = Promise.withResolvers<Answer>()
  const seen: number[] = []
  it.start({
    leaseMs: 300,
    call: async (call) => {
      seen.push(call.attempt)
      return call.attempt === 1 ? late : done(call, 'newer')
    },
  })
  await eventually(async () => (await it.job(1)).answer === 'newer')
  resolve({ id: 1, attempt: 1, answer: 'older', retryInMs: null })
  await delay(300)
  assert.deepEqual(await it.job(1), { attempts: 2, answer: 'newer', due: false })
  assert.deepEqual(seen, [1, 2])
})

test('Retry-After is honoured by the next attempt', async (t) => {
  const it = await jobQueue(t)
  await it.add(1)
  const startedAt: number[] = []
  it.start({
    call: async (call) => {
      startedAt.push(performance.now())
      const retryInMs = retryAfterMs('1', Date.now())
      return call.attempt === 1 ? { ...done(call, 'busy'), retryInMs } : done(call)
    },
  })
  await eventually(async () => (await it.job(1)).answer === 'done')
  assert.equal(startedAt.length, 2)
  assert.ok(startedAt[1]! - startedAt[0]! >= 1_000, String(startedAt))
})

test('after the pause of an open circuit one trial call is made, and its success closes it', async (t) => {
  const it = await jobQueue(t)
  const circuit = createCircuit<Answer>({
    threshold: 0.5,
    windowMs: 1_000,
    minimumPerSecond: 5,
    pauseMs: 500,
    isFailure: ({ answer }) => answer === 'failed',
  })
  let works = false
  let called = 0
  const trial = Promise.withResolvers<void>()
  const engine = it.start({
    circuit,
    call: async (call) => {
      called += 1
      if (!works) return { ...done(call, 'failed'), retryInMs: 10 }
      await trial.promise
      return done(call)
    },
  })
  await it.add(40)
  await eventually(() => engine.circuitMode('a') === 'open')
  assert.equal(engine.room('a'), 0)
  works = true
  const before = called
  await eventually(() => engine.circuitMode('a') === 'trying')
  await delay(200)
  assert.equal(called, before + 1, 'one call tries, the others wait in their table')
  trial.resolve()
  await eventually(async () => (await it.answered()) === 40)
  assert.equal(engine.circuitMode('a'), 'closed')
})

test('a peer that hangs does not delay another peer', async (t) => {
  const it = await jobQueue(t)
  await it.add(50, { peer: 'a' })
  await it.add(50, { from: 101, peer: 'b' })
  const engine = it.start({
    call: (call) => (call.peer === 'a' ? never() : Promise.resolve(done(call))),
  })
  await eventually(async () => (await it.answered()) === 50)
  assert.equal(engine.free('a'), 0)
  assert.equal(engine.free('b'), 10)
})

test('a call is aborted at its deadline, and its row is claimed again after its lease', async (t) => {
  const it = await jobQueue(t)
  await it.add(1)
  let aborted = false
  it.start({
    timeoutMs: 100,
    leaseMs: 400,
    call: async (call, signal) => {
      if (call.attempt > 1) return done(call)
      signal.addEventListener('abort', () => (aborted = true))
      return never()
    },
  })
  await eventually(async () => (await it.job(1)).answer === 'done')
  assert.ok(aborted)
  const [fault] = it.faults as { code?: string }[]
  assert.equal(fault?.code, 'NO_ANSWER_IN_TIME')
})

test('a result that cannot be stored is retried and does not delay other results', async (t) => {
  const it = await jobQueue(t)
  await it.add(10)
  let isBroken = true
  it.start({
    call: async (call) => done(call),
    record: async (answers) => {
      if (isBroken && answers.some(({ id }) => id === 5)) throw new Error('cannot be stored')
      await it.save(answers)
    },
  })
  await eventually(async () => (await it.answered()) === 9)
  assert.equal((await it.job(5)).answer, null)
  assert.ok(it.faults.length > 0, 'the fault fired')
  isBroken = false
  await eventually(async () => (await it.answered()) === 10)
  assert.equal((await it.job(5)).attempts, 1)
})

test('rows that a dead process had leased are claimed again after their lease', async (t) => {
  const it = await jobQueue(t)
  await it.add(5)
  const dead = it.start({ leaseMs: 500, call: never })
  await eventually(() => dead.free('a') === 5)
  await dead.stop(0)
  it.start({ call: async (call) => done(call) })
  await eventually(async () => (await it.answered()) === 5)
  assert.equal((await it.job(1)).attempts, 2)
})

test('one tenant that fills its queue does not delay another', async (t) => {
  const it = await jobQueue(t)
  await it.add(1_000, { tenantId: 'loud' })
  await it.add(5, { from: 2_001, tenantId: 'quiet' })
  const order: string[] = []
  it.start({
    call: async (call) => {
      order.push(call.tenantId)
      return done(call)
    },
  })
  await eventually(() => order.filter((tenantId) => tenantId === 'quiet').length === 5)
  assert.ok(order.lastIndexOf('quiet') < 20, `the last was call ${order.lastIndexOf('quiet')}`)
})

test('two processes share the rows and call each once', async (t) => {
  const it = await jobQueue(t)
  await it.add(300)
  const called: number[] = []
  for (let process = 0; process < 2; process += 1) {
    it.start({
      call: async (call) => {
        called.push(call.id)
        return done(call)
      },
    })
  }
  await eventually(async () => (await it.answered()) === 300)
  assert.equal(called.length, 300)
})

test('a stop waits for calls in flight and records them', async (t) => {
  const it = await jobQueue(t)
  await it.add(5)
  const engine = it.start({
    call: async (call) => {
      await delay(200)
      return done(call)
    },
  })
  await eventually(() => engine.free('a') === 5)
  await engine.stop(5_000)
  assert.equal(await it.answered(), 5)
})
