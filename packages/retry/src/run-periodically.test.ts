import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { runPeriodically } from './run-periodically.ts'

test('rounds follow each other after the pause, also after a failed round', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const faults: unknown[] = []
  const fault = new Error('round 2')
  let rounds = 0
  const periodic = runPeriodically({
    pauseMs: 1_000,
    work: async () => {
      rounds++
      if (rounds === 2) throw fault
    },
    onFault: (error) => faults.push(error),
  })
  await nextTurn()
  assert.equal(rounds, 1)
  t.mock.timers.tick(999)
  await nextTurn()
  assert.equal(rounds, 1)
  t.mock.timers.tick(1)
  await nextTurn()
  assert.deepEqual([rounds, faults, periodic.lastFault()], [2, [fault], fault])
  t.mock.timers.tick(1_000)
  await nextTurn()
  assert.deepEqual([rounds, periodic.lastFault()], [3, null])
  await periodic.stop()
})

test('a round that is done is the last, also after failed ones', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let rounds = 0
  const periodic = runPeriodically({
    pauseMs: 10,
    work: async () => {
      rounds++
      if (rounds === 1) throw new Error('round 1')
      return 'done'
    },
    onFault: () => {},
  })
  for (let turn = 0; turn < 3; turn += 1) {
    await nextTurn()
    t.mock.timers.tick(10)
  }
  assert.deepEqual([rounds, periodic.lastFault()], [2, null])
  await periodic.stop()
})

test('stop waits for the round in flight and starts no other', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { promise, resolve } = Promise.withResolvers<void>()
  let rounds = 0
  const periodic = runPeriodically({
    pauseMs: 10,
    work: () => {
      rounds++
      return promise
    },
    onFault: () => {},
  })
  let stopped = false
  const stopping = periodic.stop().then(() => (stopped = true))
  await nextTurn()
  assert.equal(stopped, false)
  resolve()
  await stopping
  t.mock.timers.tick(1_000)
  await nextTurn()
  assert.equal(rounds, 1)
})

test('a stop aborts the round under way and waits for its end', async () => {
  let end = ''
  const periodic = runPeriodically({
    pauseMs: 10,
    work: async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await nextTurn()
      end = 'ended'
    },
    onFault: () => {},
  })
  await periodic.stop()
  assert.equal(end, 'ended')
})
