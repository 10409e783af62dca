import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { Type } from 'typebox'
import { limitsOf } from './limit-bodies.ts'
import { sizeOfSchema } from './size-of-schema.ts'

const MOST = { bytes: 256 * 1024, values: 50_000 }

test('the largest document of a schema fits into its size, and no larger one is needed', () => {
  const schema = Type.Object({
    id: Uuid,
    name: Type.String({ maxLength: 4 }),
    code: Type.String({ pattern: '^[a-z]{1,3}$' }),
    kind: Type.Union([Type.Literal('a'), Type.Literal('longer')]),
    size: Type.Enum(['s', 'medium']),
    count: Type.BigInt(),
    items: Type.Array(Type.Object({ yes: Type.Boolean() }), { maxItems: 2 }),
  })
  const id = '0190b2a4-0000-7000-8000-000000000000'
  const text =
    `{"id":"${id}","name":"${'\\u0061'.repeat(4)}","code":"${'\\u0061'.repeat(3)}",` +
    '"kind":"longer","size":"medium","count":-9223372036854775808,' +
    '"items":[{"yes":false},{"yes":false}]}'
  const { bytes, values } = sizeOfSchema(schema)!
  assert.equal(values, 12)
  assert.ok(bytes >= text.length && bytes < text.length + 250, `${bytes} for ${text.length}`)
})

test('an object whose sender chooses the names has the size of its most members', () => {
  const schema = Type.Record(Type.String(), Type.String({ maxLength: 5 }), { maxProperties: 3 })
  const { bytes, values } = sizeOfSchema(schema)!
  assert.equal(values, 4)
  assert.ok(bytes > 3 * (5 + 1_024) * 6, String(bytes))
})

test('a schema without limits has no size', () => {
  const unlimited = Type.Record(Type.String(), Uuid)
  for (const member of [Type.Unknown(), Type.Array(Uuid), unlimited]) {
    assert.equal(sizeOfSchema(Type.Object({ member })), undefined)
    assert.equal(sizeOfSchema(Type.Union([Uuid, member])), undefined)
  }
})

test('the limits of a body follow from its schema and only become smaller', () => {
  const small = limitsOf({ body: Type.Object({ external_order_id: Uuid }) }, MOST)
  assert.deepEqual(small, { bytes: 4_096, values: 64 })
  const many = Type.Object({ ids: Type.Array(Uuid, { maxItems: 1_000_000 }) })
  assert.deepEqual(limitsOf({ body: many }, MOST), MOST)
  const read = { body: Type.Object({ all: Type.Unknown() }), readBody: Type.Object({ id: Uuid }) }
  assert.deepEqual(limitsOf(read, MOST), { bytes: 4_096, values: 64 })
  assert.deepEqual(limitsOf({ body: Type.Unknown() }, MOST), MOST)
  assert.deepEqual(limitsOf(undefined, MOST), MOST)
})
