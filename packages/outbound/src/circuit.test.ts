import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCircuit } from './circuit.ts'

const STEP_MS = 10

test('a circuit with growing pauses is half_open only when it lets a call try', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const circuit = createCircuit<string>({
    threshold: 0.5,
    windowMs: 1_000,
    minimumPerSecond: 1,
    pauseMs: { first: 100, most: 5_000 },
    isFailure: (result) => result === 'failed',
  })
  const fail = (): Promise<string> =>
    circuit.run(
      async () => 'failed',
      () => 'refused',
    )
  while (circuit.mode() === 'closed') await fail()
  const pauses: number[] = []
  for (let waitedMs = 0; pauses.length < 12; waitedMs += STEP_MS) {
    t.mock.timers.tick(STEP_MS)
    const mode = circuit.mode()
    const isTrial = (await fail()) === 'failed'
    assert.equal(mode, isTrial ? 'half_open' : 'open')
    if (!isTrial) continue
    pauses.push(waitedMs)
    waitedMs = 0
  }
  assert.ok(pauses.at(-1)! > 1_000, `the pauses grew: ${pauses.join(' ')}`)
})
