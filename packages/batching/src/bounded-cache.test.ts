import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createBoundedCache } from './bounded-cache.ts'

test('the cache never exceeds its limit and returns the last value of a key', () => {
  const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const steps = fc.array(fc.tuple(fc.constantFrom('get', 'set', 'delete'), keys, fc.nat()))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), steps, (max, made) => {
      const cache = createBoundedCache<number>(max)
      const model = new Map<string, number>()
      for (const [step, key, value] of made) {
        if (step === 'set') {
          cache.set(key, value)
          model.set(key, value)
          assert.equal(cache.get(key), value)
        } else if (step === 'delete') {
          cache.delete(key)
          model.delete(key)
          assert.equal(cache.get(key), undefined)
        } else {
          const found = cache.get(key)
          assert.ok(found === undefined || found === model.get(key))
        }
        assert.ok(cache.size <= max)
      }
    }),
  )
})

test('the least recently used entry is evicted first', () => {
  const cache = createBoundedCache<string>(3)
  for (const key of ['a', 'b', 'c']) cache.set(key, key)
  cache.get('a')
  cache.set('d', 'd')
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => cache.get(key)),
    ['a', undefined, 'c', 'd'],
  )
})
