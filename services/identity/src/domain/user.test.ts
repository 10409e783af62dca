import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemActor } from '@caudal/contracts/actor.ts'
import { accountIdOf } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { newUser, userCreated, viewUser } from './user.ts'

const ID = '0198c0de-0000-7000-8000-000000000001'
const makeId = () => ID

test('a user has a locale and a dollar account by default', () => {
  const user = newUser({}, { tenantId: 'caudal', makeId })
  assert.deepEqual(user, {
    tenantId: 'caudal',
    userId: ID,
    locale: 'en',
    currencies: ['USD'],
    devices: [],
  })
})

test("a user's own currencies come before those of the request", () => {
  const about = { tenantId: 'caudal', currencies: ['EUR'], makeId }
  assert.deepEqual(newUser({}, about).currencies, ['EUR'])
  assert.deepEqual(newUser({ currencies: ['PEN', 'USD'] }, about).currencies, ['PEN', 'USD'])
})

test('the event of a new user can be read and names every account', () => {
  const user = newUser({ currencies: ['EUR', 'USD'], locale: 'es' }, { tenantId: 'caudal', makeId })
  const created = { ...user, createdAt: new Date(0) }
  const event = userCreated(created, {
    eventId: ID,
    region: 'local',
    actor: systemActor('identity'),
  })
  assert.deepEqual(readEvent(serializeEvent(event)), event)
  assert.equal(event.account_id, accountIdOf('caudal', ID, 'EUR'))
  assert.deepEqual(event.accounts, viewUser(created).accounts)
})

test('E6: the event has no member for anything personal', () => {
  const user = newUser(
    { locale: 'qu-PE', devices: [{ platform: 'ios', token: 'token-of-the-phone' }] },
    { tenantId: 'caudal', makeId },
  )
  const event = userCreated(
    { ...user, createdAt: new Date(0) },
    { eventId: ID, region: 'local', actor: systemActor('identity') },
  )
  assert.doesNotMatch(serializeEvent(event), /qu-PE|token-of-the-phone|ios/)
})
