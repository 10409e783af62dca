import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import pg from 'pg'
import { type TestScope, testDatabase } from '../src/test-database.ts'
import { testServer } from '../src/test-server.ts'

const sets = [{ name: 'notes', dir: join(import.meta.dirname, 'migrations') }]

/** A scope that ends when the test calls `end`; like node:test, it runs hooks in order. */
function manualScope(): TestScope & { end(): Promise<void> } {
  const hooks: (() => void | Promise<void>)[] = []
  return {
    after: (hook) => void hooks.push(hook),
    async end() {
      for (const hook of hooks) await hook()
    },
  }
}

async function databaseExists(name: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: testServer().adminUrl })
  await client.connect()
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
  await client.end()
  return found.rowCount === 1
}

test('each test gets its own migrated database', async (t) => {
  const [first, second] = await Promise.all([testDatabase(t, { sets }), testDatabase(t, { sets })])
  await first.pool.query(`INSERT INTO notes VALUES (1, 'here')`)
  const { rows } = await second.pool.query('SELECT * FROM notes')
  assert.deepEqual(rows, [])
})

test('the pool has only the rights that migrations grant', async (t) => {
  const { pool } = await testDatabase(t, { sets })
  await assert.rejects(pool.query('DELETE FROM notes'), { code: '42501' })
})

test('the database is dropped when its scope ends, after every other hook', async () => {
  const scope = manualScope()
  const { name, url, pool } = await testDatabase(scope, { sets, name: 'gone' })
  const service = createPool({ url, applicationName: 'service' })
  await Promise.all([service.query('SELECT 1'), pool.query('SELECT 1')])
  scope.after(async () => service.end())
  await scope.end()
  assert.equal(await databaseExists(name), false)
})

test('a connection that is left open fails the test, and the error names it', async () => {
  const scope = manualScope()
  const { name, url } = await testDatabase(scope, { sets, name: 'leak', disconnectTimeoutMs: 500 })
  const leak = createPool({ url, applicationName: 'forgetful' })
  await leak.query('SELECT 1')
  await assert.rejects(scope.end(), /left open: forgetful/)
  assert.equal(await databaseExists(name), false)
  await leak.end()
})

test('a client that was never released fails the test', async () => {
  const scope = manualScope()
  const { name, pool } = await testDatabase(scope, {
    sets,
    name: 'checkout',
    disconnectTimeoutMs: 500,
  })
  const client = await pool.connect()
  client.on('error', () => undefined)
  await assert.rejects(scope.end(), /left open: test \(idle/)
  assert.equal(await databaseExists(name), false)
})
