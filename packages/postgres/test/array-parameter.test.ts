import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { testDatabase } from '@caudal/testing/test-database.ts'
import {
  bigintArray,
  byteaArray,
  hexArray,
  intArray,
  smallintArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '../src/array-parameter.ts'
import type { Db } from '../src/types.ts'

async function roundTrip(db: Db, type: string, value: Buffer): Promise<unknown[]> {
  const { rows } = await db.query<{ item: unknown }>(
    `SELECT item FROM unnest($1::${type}[]) WITH ORDINALITY AS a(item, position) ORDER BY position`,
    [value],
  )
  return rows.map((row) => row.item)
}

const same = <T>(item: T): T => item

test('ids round-trip in lower case, and null as NULL', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const ids = [randomUUID(), null, randomUUID(), randomUUID().toUpperCase()]
  const expected = ids.map((id) => id?.toLowerCase() ?? null)
  assert.deepEqual(await roundTrip(db, 'uuid', uuidArray(ids, same)), expected)
  const traceIds = ids.map((id) => id?.replaceAll('-', '') ?? null)
  assert.deepEqual(await roundTrip(db, 'uuid', uuidArray(traceIds, same)), expected)
})

test('texts of every kind and length round-trip unchanged', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const texts = ['', 'plain', 'a"b\\c,{}', null, 'NULL', 'ñandú €', '🦩'.repeat(20_000), '{"a":1}']
  assert.deepEqual(await roundTrip(db, 'text', textArray(texts, same)), texts)
})

test('integers round-trip exactly, up to both ends of their range', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const large = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 42]
  const expected = large.map(BigInt)
  assert.deepEqual(await roundTrip(db, 'bigint', bigintArray(large, same)), expected)
  const middle = [0, -1, null, 2 ** 31 - 1, -(2 ** 31)]
  assert.deepEqual(await roundTrip(db, 'int', intArray(middle, same)), middle)
  const small = [0, -1, 32_767, -32_768]
  assert.deepEqual(await roundTrip(db, 'smallint', smallintArray(small, same)), small)
})

test('an integer of more than 64 bits is refused before it is sent', () => {
  for (const beyond of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n]) {
    assert.throws(() => bigintArray([0n, beyond], same), RangeError)
  }
})

test('integers round-trip after a large text has grown the buffer', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  textArray(['x'.repeat(1_000_000)], same)
  const many = Array.from({ length: 1_000 }, (_, index) => 2n ** 62n - BigInt(index))
  assert.deepEqual(await roundTrip(db, 'bigint', bigintArray(many, same)), many)
})

test('bytes and times round-trip unchanged', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const bytes = [Buffer.from([0, 255, 34, 92]), null, Buffer.alloc(0), Buffer.alloc(100_000, 7)]
  assert.deepEqual(await roundTrip(db, 'bytea', byteaArray(bytes, same)), bytes)
  const written = ['00ff225c', '', '07'.repeat(100_000)]
  const meant = written.map((digits) => Buffer.from(digits, 'hex'))
  assert.deepEqual(await roundTrip(db, 'bytea', hexArray(written, same)), meant)
  const times = ['1999-12-31T23:59:59.999Z', '2026-11-25T04:05:06.007Z', '9999-01-01T00:00:00Z']
  const dates = [...times.map((text) => new Date(text)), null]
  assert.deepEqual(await roundTrip(db, 'timestamptz', timestamptzArray(dates, same)), dates)
})

test('an empty array is sent as an empty array, not as NULL', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  for (const [type, value] of [
    ['uuid', uuidArray([], () => null)],
    ['text', textArray([], () => null)],
    ['bigint', bigintArray([], () => 0n)],
    ['smallint', smallintArray([], () => 0)],
    ['int', intArray([], () => 0)],
    ['bytea', byteaArray([], () => null)],
    ['bytea', hexArray([], () => '')],
    ['timestamptz', timestamptzArray([], () => null)],
  ] as const) {
    const { rows } = await db.query(`SELECT cardinality($1::${type}[]) AS size`, [value])
    assert.deepEqual(rows, [{ size: 0 }])
  }
})

test('an invalid UUID is refused before it is sent', () => {
  for (const bad of [
    '',
    'abc',
    randomUUID().slice(1),
    `${randomUUID()}0`,
    'g'.repeat(36),
    'g'.repeat(32),
  ]) {
    assert.throws(() => uuidArray([bad], same), TypeError)
  }
})

test('invalid hexadecimal is refused before it is sent', () => {
  for (const bad of ['0', 'abc', '0x', 'zz', '00 ', ' 00', '\u0130\u0130', '🦩']) {
    assert.throws(() => hexArray([bad], same), TypeError)
  }
})
