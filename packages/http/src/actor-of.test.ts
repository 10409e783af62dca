import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actorOf } from './actor-of.ts'

const identity = { tenantId: 'caudal', scopes: new Set<string>(), issuer: 'test' }

test('the actor of a request is its user by subject, or its client by client id', () => {
  const subject = '0190B2A4-0000-7000-8000-00000000000A'
  const user = actorOf({ ...identity, kind: 'user', subject, clientId: 'app' })
  assert.deepEqual(user, { type: 'user', id: subject.toLowerCase() })
  const foreign = actorOf({ ...identity, kind: 'user', subject: 'Anna|1' })
  assert.deepEqual(foreign, { type: 'user', id: 'Anna|1' })
  const client = actorOf({ ...identity, kind: 'service', subject: 'billing', clientId: 'billing' })
  assert.deepEqual(client, { type: 'client', id: 'billing' })
})
