import assert from 'node:assert/strict'
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { runningPostmaster } from '../src/postmaster.ts'
import { removeLocalPostgres } from '../src/remove-local-postgres.ts'
import { startLocalPostgres } from '../src/start-local-postgres.ts'

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
const SLOW = { timeoutMs: 60_000 }

async function running(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-supervised-'))
  await chmod(folder, 0o711)
  const dataDir = join(folder, 'postgres')
  const server = await startLocalPostgres({ dataDir, throwaway: true, logger })
  t.after(async () => {
    await server.stop()
    await removeLocalPostgres({ dataDir, logger })
    await rm(folder, { recursive: true })
  })
  return { server, clusterDir: join(dataDir, 'cluster') }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}

for (const name of ['SIGKILL', 'SIGINT', 'SIGQUIT'] as const) {
  test(`a server that ${name} ended is started again at the same address`, async (t) => {
    const { server, clusterDir } = await running(t)
    const pid = (await runningPostmaster(clusterDir))!
    process.kill(pid, name)
    await eventually(async () => {
      const next = await runningPostmaster(clusterDir)
      return next !== null && next !== pid
    }, SLOW)
    await eventually(() => answers(server.appUrl), SLOW)
    assert.equal(await answers(server.adminUrl), true)
  })
}

test('a server that cannot be started again is reported with the reason', async (t) => {
  const { server, clusterDir } = await running(t)
  const pid = (await runningPostmaster(clusterDir))!
  await rename(join(clusterDir, 'global', 'pg_control'), join(clusterDir, 'hidden'))
  process.kill(pid, 'SIGKILL')
  const fault = await server.failed
  assert.equal(fault.code, 'SERVER_LOST')
  assert.match(fault.message, /^The database server ended and could not be started again: postgres/)
})
