import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processIsolated } from './process-isolated.ts'

test('a batch that succeeds is processed once', async () => {
  let attempts = 0
  const isolated = await processIsolated([1, 2], async (items) => {
    attempts++
    return items.map((item) => item * 2)
  })
  assert.deepEqual(isolated, [{ answer: 2 }, { answer: 4 }])
  assert.equal(attempts, 1)
})

test('only the bad item fails, in its position', async () => {
  const isolated = await processIsolated([1, 2, 3], async (items) => {
    if (items.includes(2)) throw new Error(`bad ${items.length}`)
    return items
  })
  assert.deepEqual(isolated, [{ answer: 1 }, { fault: new Error('bad 1') }, { answer: 3 }])
})

test('a batch of one is not repeated', async () => {
  let attempts = 0
  const fault = new Error('bad')
  const isolated = await processIsolated([1], () => {
    attempts++
    return Promise.reject(fault)
  })
  assert.deepEqual(isolated, [{ fault }])
  assert.equal(attempts, 1)
})

test('a retryable fault of the batch is thrown, since no item caused it', async () => {
  const down = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const failing = processIsolated([1, 2], () => Promise.reject(down))
  await assert.rejects(failing, down)
})
