import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { bigintArray, textArray } from '../src/array-parameter.ts'
import { named, type Sql, sql } from '../src/sql.ts'
import { transaction } from '../src/transaction.ts'

test('a nested statement is run with its values in order, arrays in binary included', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const names = ['a', "b'; --", 'c']
  const rowsOf = (least: bigint): Sql => sql`
    SELECT name, amount FROM unnest(${textArray(names, (it) => it)}::text[],
      ${bigintArray(names, (it) => it.length)}::bigint[]) AS r(name, amount)
    WHERE amount >= ${least}::bigint`
  const { rows } = await db.query(sql`
    SELECT ${'first'}::text AS mark, name, amount FROM (${rowsOf(2n)}) AS found
    ORDER BY name LIMIT ${5}::int`)
  assert.deepEqual(rows, [{ mark: 'first', name: "b'; --", amount: 6n }])
})

test('a value is never read as SQL', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const hostile = "x'; SELECT pg_terminate_backend(pg_backend_pid()); --"
  const { rows } = await db.query(sql`SELECT ${hostile}::text AS same`)
  assert.deepEqual(rows, [{ same: hostile }])
})

test('a named statement is prepared once on its connection and runs with new values', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [] })
  const add = (left: number, right: Sql): Sql =>
    named('add-numbers', sql`SELECT ${left}::int + ${right} AS sum`)
  await transaction(db, async (tx) => {
    for (const value of [1, 2, 3]) {
      const { rows } = await tx.query(add(value, sql`${10}::int`))
      assert.deepEqual(rows, [{ sum: value + 10 }])
    }
    const { rows } = await tx.query(sql`
      SELECT name, statement FROM pg_prepared_statements WHERE name LIKE ${'add-%'}`)
    assert.deepEqual(rows, [{ name: 'add-numbers', statement: 'SELECT $1::int + $2::int AS sum' }])
  })
})
