import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findCapacity } from '../../bench/payments/find-capacity.ts'

/** A system that ends at most `most` payments per second and refuses requests beyond `accepts`. */
function system(most: number, accepts = Infinity) {
  const rates: number[] = []
  const probe = (rate: number) => {
    rates.push(rate)
    return Promise.resolve({ accepted: rate <= accepts, perSecond: Math.min(rate, most) })
  }
  return { probe, rates }
}

test('the capacity is what the system ended when a higher rate was no longer held', async () => {
  for (const most of [30, 100, 720, 5_000]) {
    const { probe, rates } = system(most)
    assert.equal(await findCapacity(probe), most)
    assert.ok(rates.at(-1)! * 0.8 > most, 'the last rate was not held')
    assert.equal(rates.at(-2), rates.at(-1), 'it was probed twice')
    assert.ok(rates.slice(0, -2).every((rate) => rate * 0.8 <= most))
  }
})

test('a refused request ends the search', async () => {
  const { probe, rates } = system(1_000, 150)
  assert.equal(await findCapacity(probe), 196)
  assert.deepEqual(rates, [100, 140, 196, 196])
})

test('a rate that is not held once is probed again', async () => {
  const { probe, rates } = system(300)
  const delayed = (rate: number) =>
    rates.length === 0 ? probe(rate).then(() => ({ accepted: true, perSecond: 20 })) : probe(rate)
  assert.equal(await findCapacity(delayed), 300)
  assert.deepEqual(rates.slice(0, 3), [100, 100, 140])
})
