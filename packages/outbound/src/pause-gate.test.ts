import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPauseGate } from './pause-gate.ts'

test('F13: calls to a failing peer pause longer after each failure, up to ten seconds', () => {
  let nowMs = 0
  const gate = createPauseGate(
    () => 1,
    () => nowMs,
  )
  assert.equal(gate.shutForMs(), 0)
  const pauses: number[] = []
  for (let failure = 1; failure <= 7; failure += 1) {
    gate.failed()
    pauses.push(gate.shutForMs())
    nowMs += gate.shutForMs()
    assert.equal(gate.shutForMs(), 0)
  }
  assert.deepEqual(pauses, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
})

test('F13: an answer opens the gate at once and resets the pause', () => {
  const gate = createPauseGate(
    () => 1,
    () => 0,
  )
  gate.failed()
  gate.failed()
  gate.passed()
  assert.equal(gate.shutForMs(), 0)
  gate.failed()
  assert.equal(gate.shutForMs(), 500)
})
