import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userCreatedEvent } from '@caudal/testing/user-created-event.ts'
import { actorOfRecord } from './actor-of-record.ts'

const CLIENT = { type: 'client', id: 'backoffice' }

function userCreated(changes: Record<string, unknown>): string {
  return JSON.stringify({ ...userCreatedEvent(), actor: CLIENT, ...changes })
}

test('a record names the actor of its event, also of a version or type of a later release', () => {
  const events = [{}, { schema_version: '1.2.0' }, { event_type: 'user.renamed' }]
  for (const changes of events) {
    assert.deepEqual(actorOfRecord({ value: userCreated(changes) }), CLIENT)
  }
})

test('an event of release 0.1.0 has the actor that it is read with', () => {
  const value = userCreated({ schema_version: '1.0.0', actor: undefined })
  assert.deepEqual(actorOfRecord({ value }), { type: 'system', id: 'identity' })
})

test('a value that is no event names no actor, whatever it holds', () => {
  const unreadable = [
    'no JSON',
    userCreated({ user_id: 'Ana' }),
    userCreated({ event_type: 'user.renamed', actor: 'Ana' }),
    userCreated({ event_type: 'user.renamed', actor: { type: 'person', id: 'Ana' } }),
  ]
  for (const value of unreadable) assert.equal(actorOfRecord({ value }), undefined, value)
})
