import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namedUsers } from './new-users.ts'
import { newUser } from './user.ts'

test('the first of several requests for a user defines it', () => {
  const id = '0190b2a4-0000-7000-8000-000000000001'
  const user = (tenantId: string, locale: string) =>
    newUser({ user_id: id, locale }, { tenantId, makeId: () => id })
  const named = namedUsers([[], [user('a', 'es')], [user('b', 'en'), user('a', 'fr')]])
  const found = [...named.values()].map((one) => [one.user.tenantId, one.user.locale, one.request])
  assert.deepEqual(found, [
    ['a', 'es', 1],
    ['b', 'en', 2],
  ])
})
