import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideByKey } from './decide-by-key.ts'

test('F2: an unbound key is new, the same request is replayed, another is a mismatch', () => {
  const answer = { fingerprint: 'aa', body: '{}' }
  assert.deepEqual(decideByKey(undefined, 'aa'), { kind: 'new' })
  assert.deepEqual(decideByKey(answer, 'aa'), { kind: 'replay', answer })
  assert.deepEqual(decideByKey(answer, 'bb'), { kind: 'mismatch' })
})
