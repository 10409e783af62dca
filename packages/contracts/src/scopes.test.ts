import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandScopes, SCOPE, SCOPES, scopesOf } from './scopes.ts'

test('every scope has a name in code', () => {
  assert.deepEqual(Object.values<string>(SCOPE), Object.keys(SCOPES))
  assert.equal(SCOPE.paymentsWrite, 'payments:write')
})

test('a scope includes what it means, to any depth, and a circle ends', () => {
  const list = {
    'a:all': { means: ['a:some', 'a:other'] },
    'a:some': { means: ['a:one', 'a:all'] },
    'a:other': {},
    'a:one': {},
  } as const
  assert.deepEqual([...expandScopes(['a:some'], list)], ['a:some', 'a:one', 'a:all', 'a:other'])
  assert.deepEqual([...expandScopes(['a:one', 'x:unknown'], list)], ['a:one', 'x:unknown'])
  assert.deepEqual([...expandScopes(['toString', '__proto__'])], ['toString', '__proto__'])
})

test('ledger:write includes every kind of money movement, and none of them includes it', () => {
  const { means } = SCOPES['ledger:write']
  assert.deepEqual([...expandScopes(['ledger:write'])], ['ledger:write', ...means])
  for (const scope of means) assert.deepEqual([...expandScopes([scope])], [scope])
})

test('what a scope includes is on the list and has no further holders', () => {
  for (const [scope, row] of Object.entries(SCOPES)) {
    for (const meant of 'means' in row ? row.means : []) {
      assert.ok(meant in SCOPES, `${scope} includes ${meant}`)
      assert.deepEqual(SCOPES[meant].holders, row.holders)
    }
  }
})

test('users hold the scopes of the public interface only', () => {
  assert.deepEqual(scopesOf('user'), ['payments:read', 'payments:write', 'wallet:read'])
  assert.ok(!scopesOf('client').includes('wallet:read'))
})
