import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserCreated } from './events/users.ts'
import { newId } from './ids.ts'
import { parseEvent } from './parse-event.ts'
import { serializeEvent } from './serialize-event.ts'

test('an event is written with the schema_version of its own type', () => {
  const account = newId()
  const event: UserCreated = {
    event_id: newId(),
    event_type: 'user.created',
    timestamp: '2026-01-01T00:00:00Z',
    schema_version: '9.9.9',
    actor: { type: 'system', id: 'identity' },
    region: 'local',
    tenant_id: 'caudal',
    account_id: account,
    user_id: newId(),
    wallet_id: newId(),
    accounts: [{ account_id: account, currency: 'USD' }],
  }
  const parsed = parseEvent(serializeEvent(event))
  assert.equal(parsed.kind, 'event')
  assert.deepEqual(parsed.event, { ...event, schema_version: '1.1.0' })
})
