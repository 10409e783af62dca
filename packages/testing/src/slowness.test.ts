import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slowness } from './slowness.ts'

test('a machine is at most ten times slower than an idle one, and never faster', () => {
  for (let round = 0; round < 20; round += 1) {
    const factor = slowness()
    assert.ok(factor >= 1 && factor <= 10, String(factor))
  }
})
