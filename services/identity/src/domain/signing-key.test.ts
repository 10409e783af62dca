import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type SigningKey, signingKeyAt } from './signing-key.ts'

function key(signsFrom: number): SigningKey {
  const privateJwk = { kty: 'EC', crv: 'P-256', x: '', y: '', d: '' } as const
  return { kid: String(signsFrom), privateJwk, signsFrom: new Date(signsFrom) }
}

test('the newest active key signs, in any order of the list', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_000), { minLength: 1 }), fc.nat(1_000), (times, now) => {
      const due = times.filter((time) => time <= now)
      const expected = due.length > 0 ? Math.max(...due) : Math.min(...times)
      assert.equal(signingKeyAt(times.map(key), now).kid, String(expected))
    }),
  )
})

test('without any key nothing is signed', () => {
  assert.throws(() => signingKeyAt([], 0), /no signing key/)
})
