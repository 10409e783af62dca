import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CallKey } from './call-key.ts'
import { createShares, type Shares } from './shares.ts'

const key = (tenant: string, destination = 'BANK'): CallKey => ({ tenant, destination })

/** Takes places as long as the key has room. */
function fill(shares: Shares, of: CallKey): number {
  let taken = 0
  for (; shares.roomOf(of) > 0; taken += 1) shares.take(of)
  return taken
}

test('one key has seven eighths of the places, and its tenant fifteen sixteenths', () => {
  const shares = createShares(512)
  assert.equal(fill(shares, key('a', 'FIRST')), 448)
  for (let bank = 0; bank < 50; bank += 1) fill(shares, key('a', `BANK${bank}`))
  assert.equal(512 - shares.free, 480)
  assert.equal(fill(shares, key('b')), 28)
})

test('the last place is free to a key that has none, also where there is one place', () => {
  const shares = createShares(8)
  assert.equal(fill(shares, key('a')), 7)
  assert.equal(fill(shares, key('b')), 1)
  assert.equal(shares.roomOf(key('c')), 0)
  assert.equal(fill(createShares(1), key('a')), 1)
})

test('a plan admits what could begin one after another, and the room is the most of one key', () => {
  const names = fc.constantFrom('a', 'b', 'c')
  const keys = fc.array(fc.tuple(names, names), { maxLength: 80 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), keys, keys, (most, before, planned) => {
      const shares = createShares(most)
      for (const [tenant, bank] of before) {
        if (shares.roomOf(key(tenant, bank)) > 0) shares.take(key(tenant, bank))
      }
      for (const one of [key('a'), key('a', 'a'), key('d')]) {
        const plan = shares.plan()
        let room = 0
        while (plan(one)) room += 1
        assert.equal(shares.roomOf(one), room)
      }
      const plan = shares.plan()
      const admitted = planned.map(([tenant, bank]) => plan(key(tenant, bank)))
      const begun = planned.map(([tenant, bank]) => {
        const fits = shares.roomOf(key(tenant, bank)) > 0
        if (fits) shares.take(key(tenant, bank))
        return fits
      })
      assert.deepEqual(admitted, begun)
    }),
  )
})

test('released places are free again, and keys without places are forgotten', () => {
  const shares = createShares(16)
  const taken = fill(shares, key('a'))
  for (let index = 0; index < taken; index += 1) shares.release(key('a'))
  assert.equal(shares.free, 16)
  assert.deepEqual([...shares.keys()], [])
})
