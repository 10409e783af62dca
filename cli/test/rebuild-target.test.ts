import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startLocalPostgres } from '@caudal/local-postgres/start-local-postgres.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import { refuseTarget, withTarget } from '../src/system/rebuild-target.ts'

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }

test('rebuild refuses databases of the server and of the services', () => {
  for (const name of [
    'postgres',
    'template1',
    'caudal_orders',
    'caudal_api_gateway',
    'caudal_log',
  ]) {
    assert.throws(() => refuseTarget(name, ['orders', 'api-gateway']), { code: 'USAGE' }, name)
  }
  refuseTarget('caudal_again', ['orders'])
})

test('rebuild uses a database that it makes or that is empty, and drops half of one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-rebuild-'))
  await chmod(folder, 0o711)
  const dataDir = join(folder, 'postgres')
  const server = await startLocalPostgres({ dataDir, throwaway: true, logger })
  const url = (database: string) => databaseUrl(server.ownerUrl, database)
  const run = async (database: string, text: string) => {
    const pool = createPool({ url: url(database), applicationName: 'test', max: 1 })
    try {
      return (await pool.query(text)).rows.length
    } finally {
      await pool.end()
    }
  }
  t.after(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })
  const into = (database: string, work: () => Promise<boolean>) =>
    withTarget({ url: url(database), database }, work, (complete) => complete)
  const fill = (database: string) => () => run(database, 'CREATE TABLE t ()').then(() => true)
  const found = (name: string) =>
    run('postgres', `SELECT FROM pg_database WHERE datname = '${name}'`)

  await assert.rejects(
    into('half', () => Promise.reject(new Error('cut off'))),
    /cut off/,
  )
  await into('gaps', async () => false)
  assert.deepEqual([await found('half'), await found('gaps')], [0, 0])
  await into('whole', fill('whole'))
  assert.equal(await found('whole'), 1)
  await assert.rejects(into('whole', fill('whole')), { code: 'USAGE' })
  await run('postgres', 'CREATE DATABASE empty')
  await into('empty', fill('empty'))
  await run('postgres', 'CREATE DATABASE other')
  await run('other', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1')
  await assert.rejects(into('other', fill('other')), { code: 'USAGE' })
})
