import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRetryable } from './is-retryable.ts'
import { withDeadline } from './with-deadline.ts'

test('work that ends in time returns its result or throws its own error', async () => {
  assert.equal(await withDeadline(60_000, async () => 'done'), 'done')
  const fault = new Error('own')
  await assert.rejects(
    withDeadline(60_000, () => Promise.reject(fault)),
    fault,
  )
})

test('F13: at the deadline the signal aborts and a retryable error is thrown', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let signal: AbortSignal | undefined
  const late = withDeadline(100, (given) => {
    signal = given
    return new Promise<never>(() => {})
  })
  t.mock.timers.tick(99)
  assert.equal(signal?.aborted, false)
  t.mock.timers.tick(1)
  await assert.rejects(late, (error) => isRetryable(error) && /within 100 ms/.test(String(error)))
  assert.equal(signal?.aborted, true)
})
