import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Type } from 'typebox'
import { createCursors, type ListCursors, type ListRequest } from './cursors.ts'
import { Problem } from './problem.ts'
import type { Identity } from './token-verifier.ts'

const Position = Type.Object({ at: Type.String(), id: Type.String({ format: 'uuid' }) })
const ID = '0190b2a4-0000-7000-8000-000000000001'
const GOOD = { at: 'now', id: ID }
const ALICE: Identity = {
  kind: 'user',
  subject: ID,
  tenantId: 'caudal',
  scopes: new Set(),
  issuer: 'https://issuer.test',
}

const key = randomBytes(32)
const options = { headers: ['x-on-behalf-of'] }
const list = createCursors(key)(Position, options)

function request(changes: Partial<ListRequest> = {}): ListRequest {
  return {
    identity: ALICE,
    headers: {},
    params: { account_id: ID },
    query: { limit: 20, by: 'booking' },
    routeOptions: { url: '/v1/accounts/:account_id/statement' },
    ...changes,
  }
}

function withCursor(cursor: string, changes: Partial<ListRequest> = {}): ListRequest {
  const asked = request(changes)
  return { ...asked, query: { ...(asked.query as object), cursor } }
}

function assertRefused(
  asked: ListRequest,
  cursors: Pick<ListCursors<unknown>, 'read'> = list,
  what = '',
): void {
  assert.throws(
    () => cursors.read(asked),
    (error) =>
      error instanceof Problem &&
      error.code === 'MALFORMED_REQUEST' &&
      error.extra.members?.['param'] === 'cursor',
    what,
  )
}

test('a cursor reads back as the position that was written, whatever the limit is', () => {
  fc.assert(
    fc.property(fc.string(), fc.uuid(), fc.integer(), (at, id, limit) => {
      const cursor = list.write(request(), { at, id })
      assert.match(cursor, /^[A-Za-z0-9_-]+$/)
      const query = { by: 'booking', limit }
      assert.deepEqual(list.read(withCursor(cursor, { query })), { at, id })
    }),
  )
  assert.equal(list.read(request()), null)
})

test('a cursor with any byte changed, added or removed is refused', () => {
  const bytes = Buffer.from(list.write(request(), GOOD), 'base64url')
  const change = fc.record({
    place: fc.nat(bytes.length - 1),
    flip: fc.integer({ min: 1, max: 255 }),
    how: fc.constantFrom('flip', 'remove', 'add', 'cut'),
  })
  fc.assert(
    fc.property(change, ({ place, flip, how }) => {
      const changed = [...bytes]
      if (how === 'flip') changed[place]! ^= flip
      else if (how === 'remove') changed.splice(place, 1)
      else if (how === 'add') changed.splice(place, 0, flip)
      else changed.length = place
      assertRefused(withCursor(Buffer.from(changed).toString('base64url')))
    }),
    { numRuns: 500 },
  )
})

test('a cursor with any character changed, and any other text, is refused', () => {
  const cursor = list.write(request(), GOOD)
  const place = fc.nat(cursor.length)
  const piece = fc.string({ minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(fc.oneof(fc.tuple(place, piece), piece), (made) => {
      const [at, text] = typeof made === 'string' ? [0, made] : made
      const changed =
        typeof made === 'string' ? text : `${cursor.slice(0, at)}${text}${cursor.slice(at + 1)}`
      fc.pre(changed !== cursor)
      assertRefused(withCursor(changed), list, changed)
    }),
    { numRuns: 500 },
  )
  const plain = Buffer.from(JSON.stringify(GOOD)).toString('base64url')
  for (const junk of ['', 'e30', '%%%', `${cursor}=`, `${cursor}!`, ` ${cursor}`, plain]) {
    assertRefused(withCursor(junk), list, junk)
  }
})

test('a cursor of another query, tenant, subject or list is refused', () => {
  const cursor = list.write(request(), GOOD)
  const others: Partial<ListRequest>[] = [
    { identity: { ...ALICE, tenantId: 'other' } },
    { identity: { ...ALICE, subject: '0190b2a4-0000-7000-8000-000000000002' } },
    { identity: { ...ALICE, kind: 'service' } },
    { identity: null },
    { params: { account_id: '0190b2a4-0000-7000-8000-000000000002' } },
    { query: { limit: 20, by: 'value' } },
    { query: { limit: 20 } },
    { query: { limit: 20, by: 'booking', from: '2026-01-01T00:00:00Z' } },
    { headers: { 'x-on-behalf-of': ID } },
    { routeOptions: { url: '/v1/accounts/:account_id/entries' } },
  ]
  for (const other of others) assertRefused(withCursor(cursor, other), list, JSON.stringify(other))
})

test('a cursor of a replaced key, or with a position of another release, is refused', () => {
  const cursor = list.write(request(), GOOD)
  assertRefused(withCursor(cursor), createCursors(randomBytes(32))(Position, options))
  assertRefused(
    withCursor(cursor),
    createCursors(key)(Type.Object({ id: Type.Integer() }), options),
  )
})
