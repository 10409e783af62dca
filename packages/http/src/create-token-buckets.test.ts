import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createTokenBuckets } from './create-token-buckets.ts'

test('P1: a burst is admitted at once, further requests at the rate', () => {
  let nowMs = 0
  const buckets = createTokenBuckets({ ratePerSecond: 500, burst: 1_000, now: () => nowMs })
  const take = (count: number): number => {
    let taken = 0
    for (let index = 0; index < count; index++) if (buckets.take('u') === 0) taken++
    return taken
  }
  assert.equal(take(1_500), 1_000)
  nowMs += 1_000
  assert.equal(take(1_500), 500)
  assert.equal(buckets.take('another'), 0)
  nowMs += 3_600_000
  assert.equal(take(1_500), 1_000)
})

test('the waiting time ends when a token is available', () => {
  let nowMs = 0
  const buckets = createTokenBuckets({ ratePerSecond: 0.5, burst: 1, now: () => nowMs })
  assert.equal(buckets.take('u'), 0)
  assert.equal(buckets.take('u'), 2)
  nowMs += 1_999
  assert.ok(buckets.take('u') > 0)
  nowMs += 1
  assert.equal(buckets.take('u'), 0)
})

test('the admitted requests never exceed the burst plus the rate times the time', () => {
  const steps = fc.array(fc.integer({ min: -500, max: 2_000 }), { maxLength: 200 })
  const limits = {
    ratePerSecond: fc.integer({ min: 1, max: 50 }),
    burst: fc.integer({ min: 1, max: 20 }),
  }
  fc.assert(
    fc.property(steps, fc.record(limits), (stepsMs, { ratePerSecond, burst }) => {
      let nowMs = 0
      let latestMs = Number.NEGATIVE_INFINITY
      let passed = 0
      const buckets = createTokenBuckets({ ratePerSecond, burst, now: () => nowMs })
      for (const stepMs of stepsMs) {
        nowMs += stepMs
        latestMs = Math.max(latestMs, nowMs)
        if (buckets.take('u') === 0) passed++
      }
      // The bucket is filled first when it is first asked.
      const elapsedMs = stepsMs.length === 0 ? 0 : latestMs - stepsMs[0]!
      assert.ok(passed <= burst + (elapsedMs / 1_000) * ratePerSecond + 1e-6)
    }),
  )
})

test('memory is bounded: a new bucket replaces the least recently used one', () => {
  const now = (): number => 0
  const buckets = createTokenBuckets({ ratePerSecond: 1, burst: 1, maxBuckets: 2, now })
  assert.deepEqual(
    ['a', 'b', 'a', 'c', 'a', 'b'].map((key) => buckets.take(key) === 0),
    [true, true, false, true, false, true],
  )
})

test('a request takes as many tokens as it costs, at most a full bucket', () => {
  let nowMs = 0
  const buckets = createTokenBuckets({ ratePerSecond: 2, burst: 10, now: () => nowMs })
  assert.equal(buckets.take('u', 7), 0)
  assert.equal(buckets.take('u', 7), 2)
  assert.equal(buckets.take('u', 3), 0)
  assert.equal(buckets.take('u', 50), 5)
  nowMs += 5_000
  assert.equal(buckets.take('u', 50), 0)
})

test('returned tokens can be taken again, and a bucket never holds more than its burst', () => {
  const buckets = createTokenBuckets({ ratePerSecond: 1, burst: 2, now: () => 0 })
  buckets.returnTokens('u')
  assert.deepEqual([buckets.take('u'), buckets.take('u'), buckets.take('u') > 0], [0, 0, true])
  buckets.returnTokens('u', 5)
  assert.deepEqual([buckets.take('u'), buckets.take('u'), buckets.take('u') > 0], [0, 0, true])
})
