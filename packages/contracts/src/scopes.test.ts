import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE, SCOPES, scopesOf } from './scopes.ts'

test('each scope has a name in code, and no two have the same', () => {
  assert.equal(SCOPE.paymentsWrite, 'payments:write')
  assert.equal(SCOPE.usersImpersonate, 'users:impersonate')
  assert.deepEqual(Object.values(SCOPE), Object.keys(SCOPES))
})

test('a user has no scope of the internal services', () => {
  assert.deepEqual(scopesOf('user'), ['payments:read', 'payments:write', 'wallet:read'])
  assert.ok(!scopesOf('client').includes('wallet:read'))
})
