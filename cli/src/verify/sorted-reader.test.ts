import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LAST_ID, readSorted } from './sorted-reader.ts'

const row = (payment_id: string): { payment_id: string } => ({ payment_id })

test('a reader keeps one page in memory and gives out rows up to an id', async () => {
  let read = 0
  async function* pages(): AsyncGenerator<{ payment_id: string }[]> {
    for (const page of [['a', 'c'], [], ['e', 'e', 'g']]) {
      read += 1
      yield page.map(row)
    }
  }
  const reader = readSorted(pages())
  assert.equal(await reader.knownTo(), 'c')
  assert.deepEqual(reader.take('b'), [row('a')])
  assert.equal(await reader.knownTo(), 'c')
  assert.equal(read, 1)
  assert.deepEqual(reader.take('c'), [row('c')])
  assert.equal(await reader.knownTo(), 'g')
  assert.deepEqual(reader.take('e'), [row('e'), row('e')])
  assert.deepEqual(reader.take('g'), [row('g')])
  assert.equal(await reader.knownTo(), LAST_ID)
  assert.deepEqual(reader.take(LAST_ID), [])
})
