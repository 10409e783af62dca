import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { seed } from '../support/user-client.ts'

const TARGET = 'caudal_again'

test('a rebuild cleans up after Ctrl-C and repeats after kill -9', SLOW, async (t) => {
  const dataDir = await dataDirectory(t)
  await launchSystem(t, { dataDir })
  await seed(dataDir, { users: 3, orders: 1 })

  const releaseFirst = await holdLog(dataDir)
  const interrupted = await startRebuild(t, dataDir)
  const second = await runCaudal(dataDir, ['rebuild', '--into', TARGET])
  assert.equal(second.code, 2, second.stderr)
  assert.match(second.stderr, /another rebuild is filling caudal_again/)
  interrupted.child.kill('SIGINT')
  assert.deepEqual(await interrupted.ended, [null, 'SIGINT'])
  assert.equal(await isThere(dataDir), false, 'the half of a ledger is dropped')

  const killed = await startRebuild(t, dataDir)
  killed.child.kill('SIGKILL')
  await killed.ended
  assert.equal(await isThere(dataDir), true)
  await releaseFirst()

  const repeated = await runCaudal(dataDir, ['rebuild', '--into', TARGET, '--json'])
  assert.equal(repeated.code, 0, repeated.stderr)
  const { ok, transfers } = JSON.parse(repeated.stdout) as { ok: boolean; transfers: number }
  assert.deepEqual([ok, transfers], [true, 3])
  const admin = await connectAsAdmin(dataDir, TARGET)
  const { rows } = await admin.query(
    `SELECT FROM pg_tables WHERE tablename = 'caudal_rebuild_in_progress'`,
  )
  await admin.end()
  assert.equal(rows.length, 0)
})

/** Starts a rebuild and waits until it has made its tables and reads the log. */
async function startRebuild(t: TestContext, dataDir: string) {
  const args = ['rebuild', '--into', TARGET, '--data', dataDir]
  const child = spawn(process.execPath, [join(ROOT, 'cli/bin/caudal.js'), ...args], {
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  t.after(() => void child.kill('SIGKILL'))
  await eventually(() => hasTables(dataDir), { timeoutMs: 60_000, label: 'the tables are made' })
  return { child, ended }
}

/** Locks the records of the log, so that a rebuild waits for them. */
async function holdLog(dataDir: string): Promise<() => Promise<void>> {
  const admin = await connectAsAdmin(dataDir, 'caudal_log')
  await admin.query('BEGIN')
  await admin.query('LOCK TABLE log_records IN ACCESS EXCLUSIVE MODE')
  return () => admin.end()
}

async function isThere(dataDir: string): Promise<boolean> {
  const admin = await connectAsAdmin(dataDir)
  const { rows } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [TARGET])
  await admin.end()
  return rows.length === 1
}

/** Whether the migrations of the target have come to the transfers. */
async function hasTables(dataDir: string): Promise<boolean> {
  if (!(await isThere(dataDir))) return false
  const admin = await connectAsAdmin(dataDir, TARGET)
  const { rows } = await admin.query(`SELECT FROM pg_tables WHERE tablename = 'transfers'`)
  await admin.end()
  return rows.length === 1
}
