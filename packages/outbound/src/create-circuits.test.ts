import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { CallKey } from './call-key.ts'
import { createCircuits } from './create-circuits.ts'

const PAUSE_MS = 5_000
const DEAD = { tenant: 'a', destination: 'DEAD' }
const GOOD = { tenant: 'b', destination: 'GOOD' }

function circuitsOf(t: TestContext, mostKeys = 100) {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const circuits = createCircuits<string>({
    threshold: 0.5,
    windowMs: 10_000,
    minimumPerSecond: 2,
    pauseMs: PAUSE_MS,
    isFailure: (result) => result === 'failed',
    mostKeys,
  })
  const run = (key: CallKey, result: Promise<string> | string): Promise<string> =>
    circuits.of(key).run(
      async () => result,
      () => 'refused',
    )
  const repeat = async (key: CallKey, result: string, times: number): Promise<string[]> => {
    const results: string[] = []
    for (let index = 0; index < times; index += 1) results.push(await run(key, result))
    return results
  }
  return { circuits, run, repeat, later: (ms: number) => t.mock.timers.tick(ms) }
}

test('a destination that fails opens its own circuit only', async (t) => {
  const { circuits, repeat } = circuitsOf(t)
  await repeat(GOOD, 'good', 1)
  await repeat(DEAD, 'failed', 300)
  assert.equal(circuits.of(DEAD).mode(), 'open')
  assert.equal(circuits.of({ ...DEAD, tenant: 'b' }).mode(), 'closed')
  assert.equal(circuits.of({ ...DEAD, destination: 'OTHER' }).mode(), 'closed')
  assert.equal(circuits.mode(), 'closed')
  assert.deepEqual(await repeat(GOOD, 'good', 20), Array<string>(20).fill('good'))
})

test('one tenant with many failing destinations does not open the circuit of the peer', async (t) => {
  const { circuits, repeat } = circuitsOf(t)
  await repeat(GOOD, 'good', 1)
  for (let bank = 0; bank < 20; bank += 1) {
    await repeat({ tenant: 'a', destination: `DEAD${bank}` }, 'failed', 50)
  }
  assert.equal(circuits.modeOf('b'), 'closed')
  assert.deepEqual(await repeat(GOOD, 'good', 20), Array<string>(20).fill('good'))
})

test('a peer that fails for most is open for all, also where each has few calls', async (t) => {
  const { circuits, repeat } = circuitsOf(t)
  await repeat(GOOD, 'good', 1)
  for (let tenant = 0; tenant < 10; tenant += 1) {
    await repeat({ tenant: `t${tenant}`, destination: `BANK${tenant}` }, 'failed', 2)
  }
  assert.equal(circuits.mode(), 'open')
  assert.deepEqual(await repeat(GOOD, 'good', 1), ['refused'])
  assert.equal(circuits.modeOfNew(), 'open')
})

test('after its pause an open peer has one trial of each tenant, and one success closes it', async (t) => {
  const { circuits, run, repeat, later } = circuitsOf(t)
  const tenants = Array.from({ length: 10 }, (_, index) => `t${index}`)
  const keyOf = (tenant: string): CallKey => ({ tenant, destination: `BANK of ${tenant}` })
  for (const tenant of tenants) await repeat(keyOf(tenant), 'failed', 2)
  assert.equal(circuits.mode(), 'open')
  later(PAUSE_MS)
  assert.equal(circuits.mode(), 'half_open')
  const trials = new Map(tenants.map((tenant) => [tenant, Promise.withResolvers<string>()]))
  const ends = tenants.map((tenant) => run(keyOf(tenant), trials.get(tenant)!.promise))
  for (const tenant of tenants) {
    assert.equal(circuits.of(keyOf(tenant)).mode(), 'trying')
    const other = { tenant, destination: 'another bank' }
    assert.deepEqual(await repeat(other, 'good', 1), ['refused'])
  }
  trials.get('t0')!.resolve('failed')
  await ends[0]
  assert.equal(circuits.modeOf('t0'), 'open')
  assert.equal(circuits.modeOf('t1'), 'trying')
  trials.get('t1')!.resolve('good')
  await ends[1]
  for (const tenant of tenants) assert.equal(circuits.modeOf(tenant), 'closed')
  // Late ends of other trials change nothing.
  for (const { resolve } of trials.values()) resolve('failed')
  await Promise.all(ends)
  assert.equal(circuits.mode(), 'closed')
})

test('a peer with one tenant and destination has the mode of their circuit', async (t) => {
  const { circuits, repeat, later } = circuitsOf(t)
  await repeat(DEAD, 'failed', 20)
  assert.equal(circuits.mode(), 'open')
  later(PAUSE_MS)
  assert.equal(circuits.mode(), 'half_open')
  assert.deepEqual(await repeat(DEAD, 'good', 1), ['good'])
  assert.equal(circuits.mode(), 'closed')
})

test('the number of circuits is bounded, and an open one is kept longer than closed ones', async (t) => {
  const { circuits, repeat } = circuitsOf(t, 10)
  await repeat(DEAD, 'failed', 20)
  for (let bank = 0; bank < 50; bank += 1) {
    await repeat({ tenant: 'b', destination: `BANK${bank}` }, 'good', 1)
  }
  assert.equal([...circuits.known()].length, 10)
  assert.equal(circuits.of(DEAD).mode(), 'open')
})
