import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './eventually.ts'

test('the first value that is there is returned, and 0 and the empty string count', async () => {
  const answers = [undefined, null, false, 0]
  assert.equal(await eventually(() => answers.shift()), 0)
  assert.equal(await eventually(() => ''), '')
})

test('a check that throws is repeated', async () => {
  let calls = 0
  const value = await eventually(async () => {
    calls += 1
    assert.equal(calls, 3)
    return 'done'
  })
  assert.equal(value, 'done')
})

test('the timeout names what was waited for and the last reason', async () => {
  const waiting = eventually(() => Promise.reject(new Error('still closed')), {
    timeoutMs: 10,
    label: 'the door opens',
  })
  await assert.rejects(waiting, /Not within 10 ms: the door opens: still closed/)
})
