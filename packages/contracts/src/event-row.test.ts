import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { CATALOGUE } from './catalogue.ts'
import { eventRows, keyIn, type EventRow, type KeyOf } from './event-row.ts'
import { identification } from './events/fields.ts'
import { newId } from './ids.ts'
import { createParser } from './parse-event.ts'

const CallbackReceived = Type.Object({
  ...identification,
  event_type: Type.Literal('callback.received'),
  callback_id: Type.String(),
  attempt: Type.Integer(),
  note: Type.Optional(Type.String()),
})

const rows = eventRows({
  'callback.received': {
    schema: CallbackReceived,
    description: 'A callback was received.',
    topic: 'payments.results',
    key: 'callback_id',
    owner: 'processor',
    consumers: ['payments'],
    version: '1.0.0',
    since: '0.2.0',
    upcasts: [],
  },
})

test('an event may have another partition key than account_id', () => {
  const event = {
    event_id: newId(),
    schema_version: '1.0.0',
    region: 'local',
    tenant_id: 'caudal',
    actor: { type: 'system', id: 'processor' },
    event_type: 'callback.received',
    callback_id: 'callback-7',
    attempt: 1,
  }
  const parsed = createParser(rows)(JSON.stringify(event))
  assert.equal(parsed.kind, 'event')
  assert.equal(keyIn(rows['callback.received'], parsed.event), 'callback-7')
})

test('a partition key is a text that each event of the type has', () => {
  type CanBeKey<M extends string> = M extends KeyOf<typeof CallbackReceived> ? true : false
  const checked: [CanBeKey<'callback_id'>, CanBeKey<'account_id'>, CanBeKey<'attempt'>] = [
    true,
    false,
    false,
  ]
  const optional: CanBeKey<'note'> = false
  assert.deepEqual([...checked, optional], [true, false, false, false])
})

test('each row of the catalogue has a required text as its key', () => {
  for (const [type, row] of Object.entries<EventRow>(CATALOGUE)) {
    const { properties, required } = row.schema as {
      properties: Record<string, { type: string }>
      required: string[]
    }
    assert.ok(required.includes(row.key), type)
    assert.equal(properties[row.key]?.type, 'string', type)
  }
})
