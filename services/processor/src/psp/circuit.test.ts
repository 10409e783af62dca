import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createCircuit } from '@caudal/outbound/circuit.ts'
import type { SendOutcome } from '../domain/outcome.ts'
import { CIRCUIT_OPEN, isPspFailure } from './circuit.ts'
import type { Sent } from './psp-client.ts'

const RESPONSE = { status: 'failed', gateway_transaction_id: 'g-1' }
const FACTS = { httpStatus: null, answerBody: null, latencyMs: 1, errorClass: null }
const sent = (outcome: SendOutcome): Sent => ({ outcome, facts: FACTS })
const bad = sent({ kind: 'unavailable', response: RESPONSE, retryAfterMs: null })
const good = sent({ kind: 'approved', response: RESPONSE })

function circuitOf(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const refused = () => CIRCUIT_OPEN
  const breaker = createCircuit<Sent>({
    isFailure: isPspFailure,
    threshold: 0.5,
    windowMs: 10_000,
    minimumPerSecond: 10,
    pauseMs: 5_000,
  })
  const circuit = {
    mode: breaker.mode,
    run: (call: () => Promise<Sent>) => breaker.run(call, refused),
  }
  const run = async (answer: Sent, times = 1): Promise<void> => {
    for (let index = 0; index < times; index += 1) await circuit.run(async () => answer)
  }
  return { circuit, run, later: (ms: number) => t.mock.timers.tick(ms) }
}

test('the circuit opens after many failures in a short time, and sends nothing while open', async (t) => {
  const { circuit, run } = circuitOf(t)
  await run(bad, 100)
  assert.equal(circuit.mode(), 'open')
  let called = false
  const refused = await circuit.run(async () => {
    called = true
    return good
  })
  assert.deepEqual(refused.outcome, { kind: 'not_sent', cause: 'circuit_open' })
  assert.equal(called, false)
})

test('the circuit stays closed at few failures or a failure share below the threshold', async (t) => {
  const { circuit, run, later } = circuitOf(t)
  for (let second = 0; second < 60; second += 1) {
    await run(bad, 5)
    later(1_000)
  }
  assert.equal(circuit.mode(), 'closed')
  for (let second = 0; second < 10; second += 1) {
    await run(good)
    later(1_000)
  }
  for (let round = 0; round < 100; round += 1) {
    await run(good, 8)
    await run(bad, 2)
  }
  assert.equal(circuit.mode(), 'closed')
})

test('verdicts, 429 and 401 never open the circuit', async (t) => {
  const { circuit, run } = circuitOf(t)
  await run(sent({ kind: 'declined', response: RESPONSE }), 200)
  await run(sent({ kind: 'rate_limited', response: null, retryAfterMs: null }), 200)
  await run(sent({ kind: 'misconfigured' }), 200)
  assert.equal(circuit.mode(), 'closed')
})

test('after the pause a single trial request is sent, and its success closes the circuit', async (t) => {
  const { circuit, run, later } = circuitOf(t)
  await run(bad, 100)
  later(5_000)
  assert.equal(circuit.mode(), 'half_open')
  const { promise, resolve } = Promise.withResolvers<Sent>()
  const trying = circuit.run(() => promise)
  assert.equal(circuit.mode(), 'trying')
  resolve(good)
  await trying
  assert.equal(circuit.mode(), 'closed')
})

test('a failed trial request opens the circuit again', async (t) => {
  const { circuit, run, later } = circuitOf(t)
  await run(bad, 100)
  later(5_000)
  await run(bad)
  assert.equal(circuit.mode(), 'open')
})
