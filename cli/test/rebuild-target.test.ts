import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
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
  const { into, run, fill, found } = await openServer(t)
  await assert.rejects(
    into('half', () => Promise.reject(new Error('cut off'))),
    /cut off/,
  )
  await into('gaps', async () => false)
  assert.deepEqual([await found('half'), await found('gaps')], [0, 0])
  await into('whole', fill('whole'))
  assert.equal(await found('whole'), 1)
  assert.deepEqual(await tablesOf(run, 'whole'), ['t'])
  await assert.rejects(into('whole', fill('whole')), { code: 'USAGE' })
  await run('postgres', 'CREATE DATABASE empty')
  await into('empty', fill('empty'))
  await run('postgres', 'CREATE DATABASE other')
  await run('other', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1')
  await assert.rejects(into('other', fill('other')), { code: 'USAGE' })
})

test('an empty database is as it was after a rebuild into it failed', async (t) => {
  const { into, run } = await openServer(t)
  await run('postgres', 'CREATE DATABASE target')
  const before = await stateOf(run, 'target')
  const work = async () => {
    await run('target', LEDGER_LIKE)
    throw new Error('cut off')
  }
  await assert.rejects(into('target', work), /cut off/)
  assert.deepEqual(await stateOf(run, 'target'), before)
  await into('target', async () => true)
  assert.deepEqual(await stateOf(run, 'target'), before)
})

test('two rebuilds never fill one database at once', async (t) => {
  const { into, fill } = await openServer(t)
  const { promise: first, resolve: finish } = Promise.withResolvers<boolean>()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const running = into('target', () => {
    start()
    return first
  })
  await started
  await assert.rejects(into('target', fill('target')), {
    code: 'USAGE',
    message: /another rebuild/,
  })
  await into('elsewhere', fill('elsewhere'))
  finish(true)
  assert.equal(await running, true)
})

type Run = (database: string, text: string) => Promise<Record<string, unknown>[]>

/** What migrations make: types, partitions, functions, and other privileges of the schema. */
const LEDGER_LIKE = `
  REVOKE ALL ON SCHEMA public FROM PUBLIC;
  GRANT USAGE ON SCHEMA public TO caudal_app;
  CREATE TYPE side AS ENUM ('left', 'right');
  CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY, side side) PARTITION BY RANGE (id);
  CREATE TABLE entries_1 PARTITION OF entries FOR VALUES FROM (0) TO (10);
  CREATE SEQUENCE numbers;
  CREATE VIEW lefts AS SELECT * FROM entries WHERE side = 'left';
  CREATE FUNCTION f(a int, b side) RETURNS int LANGUAGE sql RETURN a;`

async function stateOf(run: Run, database: string): Promise<unknown> {
  return run(
    database,
    `SELECT (SELECT coalesce(nspacl, acldefault('n', nspowner))::text FROM pg_namespace
              WHERE nspname = 'public') AS privileges,
            (SELECT count(*)::int FROM pg_class WHERE oid >= 16384) AS relations,
            (SELECT count(*)::int FROM pg_type WHERE oid >= 16384) AS types,
            (SELECT count(*)::int FROM pg_proc WHERE oid >= 16384) AS functions`,
  )
}

async function tablesOf(run: Run, database: string): Promise<unknown[]> {
  const rows = await run(database, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
  return rows.map(({ tablename }) => tablename)
}

async function openServer(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-rebuild-'))
  await chmod(folder, 0o711)
  const dataDir = join(folder, 'postgres')
  const server = await startLocalPostgres({ dataDir, throwaway: true, logger })
  t.after(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })
  const url = (database: string) => databaseUrl(server.ownerUrl, database)
  const run: Run = async (database, text) => {
    const pool = createPool({ url: url(database), applicationName: 'test', max: 1 })
    try {
      return (await pool.query<Record<string, unknown>>(text)).rows
    } finally {
      await pool.end()
    }
  }
  return {
    run,
    into: (database: string, work: () => Promise<boolean>) =>
      withTarget({ url: url(database), database }, work, (complete) => complete),
    fill: (database: string) => () => run(database, 'CREATE TABLE t ()').then(() => true),
    found: async (name: string) =>
      (await run('postgres', `SELECT FROM pg_database WHERE datname = '${name}'`)).length,
  }
}
