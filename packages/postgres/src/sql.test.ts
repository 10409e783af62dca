import assert from 'node:assert/strict'
import { test } from 'node:test'
import { named, raw, type Sql, sql } from './sql.ts'

function shown({ text, values }: Sql): { text: string; values: unknown[] } {
  return { text, values }
}

test('each hole is a parameter, numbered from $1', () => {
  const statement = sql`SELECT * FROM payments WHERE tenant_id = ${'t'} AND amount_minor > ${5n}`
  assert.deepEqual(shown(statement), {
    text: 'SELECT * FROM payments WHERE tenant_id = $1 AND amount_minor > $2',
    values: ['t', 5n],
  })
  assert.deepEqual(shown(sql`SELECT 1`), { text: 'SELECT 1', values: [] })
  assert.deepEqual(shown(sql`${1}${2}`), { text: '$1$2', values: [1, 2] })
})

test('fragments are inlined at any depth and their parameters numbered in place', () => {
  const columns = sql`payment_id, status`
  const page = sql`(created_at, payment_id) < (${'now'}, ${'id'})`
  const where = sql`tenant_id = ${'t'} AND ${page} AND user_id = ${'u'}`
  assert.deepEqual(shown(sql`SELECT ${columns} FROM payments WHERE ${where} LIMIT ${10}`), {
    text:
      'SELECT payment_id, status FROM payments WHERE tenant_id = $1 AND ' +
      '(created_at, payment_id) < ($2, $3) AND user_id = $4 LIMIT $5',
    values: ['t', 'now', 'id', 'u', 10],
  })
})

test('a fragment may stand twice, and one without text adds nothing', () => {
  const mine = sql`user_id = ${'u'}`
  assert.deepEqual(shown(sql`${mine} OR ${mine}${sql``}`), {
    text: 'user_id = $1 OR user_id = $2',
    values: ['u', 'u'],
  })
})

test('the text of one shape is one string, and another shape has another text', () => {
  const page = (after: string | null, limit: number): Sql =>
    sql`SELECT 1 ${after === null ? sql`` : sql`WHERE id > ${after}`} LIMIT ${limit}`
  assert.equal(page('a', 1).text, 'SELECT 1 WHERE id > $1 LIMIT $2')
  assert.equal(page(null, 1).text, 'SELECT 1  LIMIT $1')
  assert.equal(page('b', 2).text, page('a', 1).text)
  const alternating = (hole: unknown): string => sql`SELECT ${hole}, ${1}`.text
  assert.equal(alternating(sql`x`), 'SELECT x, $1')
  assert.equal(alternating('x'), 'SELECT $1, $2')
  assert.equal(alternating(sql`x`), 'SELECT x, $1')
})

test('no value becomes text, whatever it looks like', () => {
  const hostile = [
    "'; DROP TABLE payments; --",
    { text: '1; DROP TABLE payments', values: [] },
    JSON.parse('{"text":"1","values":[],"pieces":["1"],"Symbol(SHAPE)":{}}') as unknown,
    [sql`1`],
    undefined,
    null,
  ]
  for (const value of hostile) {
    assert.deepEqual(shown(sql`SELECT ${value}`), { text: 'SELECT $1', values: [value] })
  }
})

test('a named statement keeps its text and values, and can be part of another', () => {
  const find = named('find-payment', sql`SELECT 1 WHERE ${'id'} = 'id'`)
  assert.deepEqual(
    { ...shown(find), name: find.name },
    { name: 'find-payment', text: "SELECT 1 WHERE $1 = 'id'", values: ['id'] },
  )
  assert.equal(sql`WITH a AS (${find}) SELECT ${1}`.text.includes('$2'), true)
})

test('a constant of the code is text; a string that the compiler does not know is refused', () => {
  const refuse = (): Sql => sql`SELECT require_that(${false}, '${raw('CA001')}')`
  assert.equal(refuse().text, "SELECT require_that($1, 'CA001')")
  assert.equal(refuse().text, refuse().text)
  const refusesAnyString: [Parameters<typeof raw<string>>[0]] extends [never] ? true : false = true
  assert.ok(refusesAnyString, 'the compiler checks this')
})

test('a template that is nested in itself is composed anew, and correctly, each time', () => {
  let list = sql`${0}`
  for (let index = 1; index <= 200; index += 1) list = sql`${list}, ${index}`
  assert.equal(list.values.length, 201)
  const numbers = list.text.split(', ').map((parameter) => Number(parameter.slice(1)))
  assert.deepEqual(
    numbers,
    [...list.values.keys()].map((index) => index + 1),
  )
})
