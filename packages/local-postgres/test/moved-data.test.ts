import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import pg from 'pg'
import { readClusterState } from '../src/cluster-state.ts'
import { runningPostmaster } from '../src/postmaster.ts'
import { removeLocalPostgres } from '../src/remove-local-postgres.ts'
import { startLocalPostgres } from '../src/start-local-postgres.ts'

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
const UNUSABLE = 'DATA_DIR_UNUSABLE'

/** Two paths in one folder; `mode` 0700 keeps PostgreSQL's user out when root runs the test. */
async function twoPaths(t: TestContext, mode = 0o711): Promise<{ a: string; b: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-moved-'))
  await chmod(folder, mode)
  const paths = { a: join(folder, 'a'), b: join(folder, 'b') }
  t.after(async () => {
    for (const dataDir of Object.values(paths)) await removeLocalPostgres({ dataDir, logger })
    await rm(folder, { recursive: true, force: true })
  })
  return paths
}

/** Starts, runs the statements, stops; returns the rows of the last one. */
async function use(dataDir: string, ...statements: string[]): Promise<unknown[]> {
  const server = await startLocalPostgres({ dataDir, throwaway: true, logger })
  const client = new pg.Client({ connectionString: server.adminUrl })
  try {
    await client.connect()
    let rows: unknown[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
    await server.stop()
  }
}

async function startInChild(dataDir: string) {
  const child = fork(new URL('./start-server.ts', import.meta.url), [dataDir])
  await once(child, 'message')
  return child
}

const copy = (from: string, to: string) => execFileSync('cp', ['-a', from, to])
const COUNT = 'SELECT count(*)::int AS n FROM notes'

test('a copied data directory has its own data, and the original keeps its own', async (t) => {
  const { a, b } = await twoPaths(t)
  await use(a, 'CREATE TABLE notes (n int)')
  copy(a, b)
  assert.deepEqual(await use(b, 'INSERT INTO notes VALUES (1)', COUNT), [{ n: 1 }])
  assert.deepEqual(await use(a, COUNT), [{ n: 0 }])
  await removeLocalPostgres({ dataDir: b, logger })
  assert.deepEqual(await use(a, COUNT), [{ n: 0 }], 'removing the copy leaves the original')
})

test('a renamed data directory has its data, also after a kill while it ran', async (t) => {
  const { a, b } = await twoPaths(t)
  await use(a, 'CREATE TABLE notes (n int)')
  await rename(a, b)
  assert.deepEqual(await use(b, COUNT), [{ n: 0 }])
  const child = await startInChild(b)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await rename(b, a)
  assert.ok((await runningPostmaster(join(a, 'cluster'))) !== null, 'the old server is recognised')
  const server = await startLocalPostgres({ dataDir: a, throwaway: true, logger })
  await server.stop()
  assert.equal(server.orphanStopped, true)
})

test('a copy of a running cluster is refused and does not touch the running server', async (t) => {
  const { a, b } = await twoPaths(t)
  const child = await startInChild(a)
  copy(a, b)
  const message = /was copied from .* while that was in use/
  await assert.rejects(use(b, 'SELECT 1'), { code: UNUSABLE, message })
  assert.ok((await runningPostmaster(join(a, 'cluster'))) !== null)
  child.send('stop')
  await once(child, 'exit')
})

test('a cluster that two directories name is locked where it is', async (t) => {
  const { a, b } = await twoPaths(t)
  await use(a, 'SELECT 1')
  copy(a, b)
  await rm(join(b, 'cluster'), { recursive: true })
  await symlink(join(a, 'cluster'), join(b, 'cluster'))
  const child = await startInChild(a)
  await assert.rejects(use(b, 'SELECT 1'), { code: 'DATA_DIR_IN_USE' })
  child.send('stop')
  await once(child, 'exit')
  await rm(join(b, 'cluster'))
})

test('a directory without its database, or with another one, is refused', async (t) => {
  const { a, b } = await twoPaths(t)
  await use(a, 'SELECT 1')
  await use(b, 'SELECT 1')
  await rm(join(b, 'cluster'), { recursive: true })
  await assert.rejects(use(b, 'SELECT 1'), {
    code: UNUSABLE,
    message: /is not whole: its database/,
  })
  copy(join(a, 'cluster'), join(b, 'cluster'))
  await assert.rejects(use(b, 'SELECT 1'), { code: UNUSABLE, message: /is not the one that/ })
})

test('files that root copied without their owner are used', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { a, b } = await twoPaths(t)
  await use(a, 'CREATE TABLE notes (n int)')
  execFileSync('cp', ['-r', a, b])
  assert.deepEqual(await use(b, COUNT), [{ n: 0 }])
})

test('root: a link to an external cluster follows a rename and refuses a copy', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { a, b } = await twoPaths(t, 0o700)
  await use(a, 'CREATE TABLE notes (n int)')
  await rename(a, b)
  assert.deepEqual(await use(b, COUNT), [{ n: 0 }])
  copy(b, a)
  const refusal = /is a copy of \S+ without its database/
  await assert.rejects(use(a, 'SELECT 1'), { code: UNUSABLE, message: refusal })
  const { clusterDir } = (await readClusterState(b))!
  copy(clusterDir, join(a, 'cluster'))
  assert.deepEqual(await use(a, 'INSERT INTO notes VALUES (1)', COUNT), [{ n: 1 }])
  assert.deepEqual(await use(b, COUNT), [{ n: 0 }])
  await removeLocalPostgres({ dataDir: a, logger })
  assert.deepEqual(await use(b, COUNT), [{ n: 0 }], 'removing the copy leaves the original')
})

test('root: a copy without its database can be removed; the original keeps its own', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { a, b } = await twoPaths(t, 0o700)
  await use(a, 'CREATE TABLE notes (n int)')
  copy(a, b)
  await removeLocalPostgres({ dataDir: b, logger })
  assert.deepEqual(await use(a, COUNT), [{ n: 0 }])
})

test('root: a directory that moves to where PostgreSQL has no access has its data', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { a } = await twoPaths(t)
  const { b } = await twoPaths(t, 0o700)
  await use(a, 'CREATE TABLE notes (n int)')
  await rename(a, b)
  assert.deepEqual(await use(b, COUNT), [{ n: 0 }])
  assert.equal((await readClusterState(b))?.place, 'outside')
})
