import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { startSweep } from './sweep.ts'

const logger = createLogger({ service: 'outbound', level: 'silent' })

/** A sweep in the pause after a round that failed; no time passes unless a test moves it. */
async function failedSweep(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const rounds = { begun: 0 }
  const sweep = startSweep({
    logger,
    async round() {
      rounds.begun += 1
      throw new Error('the database is unavailable')
    },
  })
  await turn()
  assert.equal(rounds.begun, 1)
  return { sweep, rounds }
}

test('a stop does not wait for the pause after a round that failed', async (t) => {
  const { sweep, rounds } = await failedSweep(t)
  await sweep.stop()
  assert.equal(rounds.begun, 1)
})

test('a wake does not shorten the pause after a round that failed', async (t) => {
  const { sweep, rounds } = await failedSweep(t)
  sweep.wake()
  await turn()
  assert.equal(rounds.begun, 1)
  t.mock.timers.tick(10_000)
  await turn()
  assert.equal(rounds.begun, 2)
  await sweep.stop()
})

test('a wake ends the pause between two rounds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let begun = 0
  const sweep = startSweep({
    logger,
    async round() {
      begun += 1
      return false
    },
  })
  await turn()
  sweep.wake()
  await turn()
  assert.equal(begun, 2)
  await sweep.stop()
})
