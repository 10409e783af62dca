import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeEditedCopy } from '../support/edited-copy.ts'
import { MISTAKES } from './mistakes.ts'

test('each mistake that is planted still has its place in the sources', async (t) => {
  assert.ok(MISTAKES.length >= 5)
  for (const { edits } of MISTAKES) await makeEditedCopy(t, edits)
})
