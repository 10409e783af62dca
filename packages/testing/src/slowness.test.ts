import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slowness } from './slowness.ts'

test('a machine is as slow as its work, or as the processes that wait for each core', () => {
  assert.equal(slowness({ workMs: 8, perCore: 0.2 }), 1)
  assert.equal(slowness({ workMs: 2, perCore: 0.2 }), 1, 'a fast one has the usual limits')
  assert.equal(slowness({ workMs: 24, perCore: 0.2 }), 3)
  assert.equal(slowness({ workMs: 8, perCore: 4.5 }), 4.5)
  assert.equal(slowness({ workMs: 8_000, perCore: 4.5 }), 10, 'a test ends some time')
  assert.ok(slowness() >= 1)
})
