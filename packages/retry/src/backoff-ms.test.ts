import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { backoffMs } from './backoff-ms.ts'

test('pauses double from the first to the longest', () => {
  const pauses = [1, 2, 3, 4, 5].map((failures) =>
    backoffMs({ baseMs: 100, mostMs: 1_000 }, failures, 1),
  )
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_000])
})

test('F13: jitter leaves each pause between half and all of its length', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const backoff = { baseMs: 50, mostMs: 5_000 }
      const full = backoffMs(backoff, failures, 1)
      const pause = backoffMs(backoff, failures, random)
      assert.ok(pause >= full / 2 && pause <= full && full <= 5_000 && full >= 50)
    }),
  )
})
