import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './eventually.ts'

test('the first value other than undefined, null and false is returned, even 0 or an empty text', async () => {
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

test('the timeout error contains the label and the last error', async () => {
  const waiting = eventually(() => Promise.reject(new Error('still closed')), {
    timeoutMs: 10,
    label: 'the door opens',
  })
  await assert.rejects(waiting, /Timed out after \d+ ms: the door opens: still closed/)
})

test('the limit of a wait is multiplied by the slowness of the machine', async () => {
  const never = eventually(() => false, { timeoutMs: 1, slower: () => 1 })
  await assert.rejects(never, /Timed out/)
  let asked = 0
  const slower = (): number => {
    asked += 1
    return 1_000_000
  }
  assert.equal(await eventually(() => asked > 0, { timeoutMs: 1, slower }), true)
})
