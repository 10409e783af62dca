import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scopesOf } from '@caudal/contracts/scopes.ts'
import { ALL_SCOPES, grantUserScopes, USER_SCOPES } from './access-token.ts'

test('a user gets all scopes of users, or those requested', () => {
  assert.deepEqual(grantUserScopes(undefined), { granted: USER_SCOPES.join(' ') })
  assert.deepEqual(grantUserScopes(''), { granted: USER_SCOPES.join(' ') })
  assert.deepEqual(grantUserScopes('wallet:read wallet:read'), { granted: 'wallet:read' })
})

test('a user gets no scope of a service', () => {
  const ofPeople = new Set<string>(USER_SCOPES)
  for (const scope of scopesOf('client')) {
    if (ofPeople.has(scope)) continue
    assert.deepEqual(grantUserScopes(`wallet:read ${scope}`), { refused: scope })
  }
  assert.deepEqual(grantUserScopes('made:up'), { refused: 'made:up' })
})

test('no scope is listed twice', () => {
  assert.equal(new Set(ALL_SCOPES).size, ALL_SCOPES.length)
})
