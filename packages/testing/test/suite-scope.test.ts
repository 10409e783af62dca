import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { suiteScope } from '../src/suite-scope.ts'
import { type TestDatabase, testDatabase } from '../src/test-database.ts'

const sets = [{ name: 'notes', dir: join(import.meta.dirname, 'migrations') }]

describe('a suite with a database', () => {
  const scope = suiteScope()
  let database: TestDatabase

  before(async () => {
    database = await testDatabase(scope, { sets, name: 'suite' })
    scope.after(async () => {
      await database.pool.query(`INSERT INTO notes VALUES (2, 'still there')`)
    })
  })

  test('the first test writes to the shared database', async () => {
    await database.pool.query(`INSERT INTO notes VALUES (1, 'first')`)
  })

  test('the next test reads what the first one wrote', async () => {
    const { rows } = await database.pool.query('SELECT body FROM notes')
    assert.deepEqual(rows, [{ body: 'first' }])
  })

  after(() => assert.ok(database.pool.ended, 'the scope has run its hooks'))
})
