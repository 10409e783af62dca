import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import pg from 'pg'
import { readClusterState } from '../src/cluster-state.ts'
import { freePort } from '../src/free-port.ts'
import { readPostmasterFile, runningPostmaster } from '../src/postmaster.ts'
import { removeLocalPostgres } from '../src/remove-local-postgres.ts'
import { startLocalPostgres } from '../src/start-local-postgres.ts'

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }

async function dataFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-local-'))
  await chmod(folder, 0o711)
  const dataDir = join(folder, 'postgres')
  t.after(async () => {
    await removeLocalPostgres({ dataDir, logger })
    await rm(folder, { recursive: true, force: true })
  })
  return dataDir
}

async function start(dataDir: string, port = 0) {
  return startLocalPostgres({ dataDir, port, throwaway: true, logger })
}

interface Started {
  adminUrl: string
  port: number
}

async function startInChild(dataDir: string): Promise<{ child: ChildProcess; server: Started }> {
  const child = fork(new URL('./start-server.ts', import.meta.url), [dataDir])
  const [server] = (await once(child, 'message')) as [Started]
  return { child, server }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function clusterOf(dataDir: string): Promise<string> {
  const state = await readClusterState(dataDir)
  assert.ok(state !== null)
  return state.clusterDir
}

/** Field five of /proc/…/stat is the process group, which receives the terminal's signals. */
async function assertIgnoresCtrlC(dataDir: string): Promise<void> {
  const pid = await runningPostmaster(await clusterOf(dataDir))
  const stats = await readFile(`/proc/${pid}/stat`, 'utf8')
  assert.equal(stats.split(') ')[1]?.split(' ')[2], String(pid))
}

test('a second start finds the data of the first, and stop leaves no process running', async (t) => {
  const dataDir = await dataFolder(t)
  const first = await start(dataDir)
  await query(first.adminUrl, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await first.stop()
  assert.equal(await readPostmasterFile(await clusterOf(dataDir)), null)
  const second = await start(dataDir)
  t.after(second.stop)
  assert.deepEqual(await query(second.adminUrl, 'SELECT answer FROM kept'), [{ answer: 42 }])
  assert.equal(second.orphanStopped, false)
  await second.stop()
})

test('rule 15: the server is durable, has its roles, protects its passwords and ignores Ctrl-C', async (t) => {
  const dataDir = await dataFolder(t)
  const { adminUrl, ownerUrl, appUrl, stop } = await start(dataDir)
  try {
    await query(ownerUrl, 'CREATE DATABASE caudal_example')
    await assert.rejects(query(appUrl, 'CREATE DATABASE caudal_other'), { code: '42501' })
    const wrong = new URL(appUrl)
    wrong.password = 'guess'
    await assert.rejects(query(wrong.href, 'SELECT 1'), { code: '28P01' })
    for (const name of ['fsync', 'full_page_writes', 'synchronous_commit']) {
      const [row] = await query(adminUrl, `SELECT current_setting('${name}') AS value`)
      assert.deepEqual(row, { value: 'on' }, name)
    }
    await query(adminUrl, 'SELECT count(*) FROM pg_stat_statements')
    const { mode } = await stat(join(dataDir, 'state.json'))
    assert.equal(mode & 0o777, 0o600, 'only the owner may read the passwords')
    await assertIgnoresCtrlC(dataDir)
  } finally {
    await stop()
  }
})

test('P9: a start after kill -9 of the owner stops the old server and keeps the data', async (t) => {
  const dataDir = await dataFolder(t)
  const { child, server } = await startInChild(dataDir)
  await query(server.adminUrl, 'CREATE TABLE kept AS SELECT 42 AS answer')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const orphan = await runningPostmaster(await clusterOf(dataDir))
  assert.ok(orphan !== null, 'the server still runs without its parent')

  const next = await start(dataDir)
  try {
    assert.equal(next.orphanStopped, true)
    assert.deepEqual(await query(next.adminUrl, 'SELECT answer FROM kept'), [{ answer: 42 }])
    assert.notEqual(await runningPostmaster(await clusterOf(dataDir)), orphan)
  } finally {
    await next.stop()
  }
})

test('P9: a start after kill -9 of owner and server keeps the data', async (t) => {
  const dataDir = await dataFolder(t)
  const { child, server } = await startInChild(dataDir)
  await query(server.adminUrl, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const pid = await runningPostmaster(await clusterOf(dataDir))
  assert.ok(pid !== null)
  process.kill(pid, 'SIGKILL')
  child.kill('SIGKILL')
  await once(child, 'exit')

  const next = await start(dataDir)
  try {
    assert.deepEqual(await query(next.adminUrl, 'SELECT answer FROM kept'), [{ answer: 42 }])
  } finally {
    await next.stop()
  }
})

test('a recorded process id that now belongs to another program is ignored', async (t) => {
  const dataDir = await dataFolder(t)
  await (await start(dataDir)).stop()
  const lines = [process.pid, await clusterOf(dataDir), 0, 5432, '', '127.0.0.1', '', 'ready', '']
  await writeFile(join(await clusterOf(dataDir), 'postmaster.pid'), lines.join('\n'))
  const server = await start(dataDir)
  await server.stop()
})

test('a data directory that a running process uses is refused with a clear message', async (t) => {
  const dataDir = await dataFolder(t)
  const { child, server } = await startInChild(dataDir)
  const refused = start(dataDir)
  await assert.rejects(refused, {
    name: 'LocalPostgresError',
    code: 'DATA_DIR_IN_USE',
    message: `The data directory ${dataDir} is in use by another running process (${child.pid}).`,
  })
  await assert.rejects(removeLocalPostgres({ dataDir, logger }), { code: 'DATA_DIR_IN_USE' })
  assert.equal(
    (await query(server.adminUrl, 'SELECT 1')).length,
    1,
    'the running server is not affected',
  )
  child.send('stop')
  await once(child, 'exit')
})

test('a port in use is refused with a clear message, and the directory is unlocked', async (t) => {
  const dataDir = await dataFolder(t)
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  await assert.rejects(start(dataDir, port), {
    code: 'PORT_TAKEN',
    message: `Port ${port} is taken by another program.`,
  })
  other.close()
  await once(other, 'close')
  const server = await start(dataDir, port)
  assert.equal(server.port, port)
  await server.stop()
})

test('a path that cannot be a data directory is refused', async (t) => {
  const dataDir = await dataFolder(t)
  await writeFile(dataDir, 'a file')
  await assert.rejects(start(dataDir), { code: 'DATA_DIR_UNUSABLE' })
  await rm(dataDir)
  await assert.rejects(start('/sys/caudal'), { code: 'PERMISSION_DENIED' })
})

test('a cluster without its passwords, or of another version, is refused', async (t) => {
  const dataDir = await dataFolder(t)
  await mkdir(join(dataDir, 'cluster'), { recursive: true })
  await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '18\n')
  await assert.rejects(start(dataDir), { code: 'DATA_DIR_UNUSABLE', message: /not its passwords/ })
  await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '17\n')
  await assert.rejects(start(dataDir), { code: 'DATA_DIR_UNUSABLE', message: /PostgreSQL 17/ })
})

test('the incomplete cluster of an interrupted first start is created again', async (t) => {
  const dataDir = await dataFolder(t)
  await mkdir(join(dataDir, 'cluster.new', 'base'), { recursive: true })
  const server = await start(dataDir)
  await server.stop()
})

test('a cluster in a folder that only root can access is placed in an external folder', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-home-'))
  const dataDir = join(folder, 'postgres')
  const server = await start(dataDir)
  const clusterDir = await clusterOf(dataDir)
  assert.ok(!clusterDir.startsWith(folder))
  await server.stop()
  const again = await start(dataDir)
  assert.equal(await clusterOf(dataDir), clusterDir, 'the second start uses the same folder')
  await again.stop()
  await removeLocalPostgres({ dataDir, logger })
  await assert.rejects(stat(clusterDir), { code: 'ENOENT' })
  await rm(folder, { recursive: true })
})

test('a full disk is reported with a clear message, at the first start and later', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'caudal-test', folder])
  if (mounted.status !== 0) {
    await rm(folder, { recursive: true })
    return t.skip('this machine does not allow a test to mount a small disk')
  }
  t.after(async () => {
    spawnSync('umount', [folder])
    await rm(folder, { recursive: true })
  })
  await chmod(folder, 0o711)
  const dataDir = join(folder, 'postgres')
  const full = { code: 'DISK_FULL', message: `The disk of ${dataDir} is full.` }

  spawnSync('fallocate', ['-l', '185M', join(folder, 'ballast')])
  await assert.rejects(start(dataDir), full)
  await rm(join(folder, 'ballast'))
  await (await start(dataDir)).stop()
  spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'ballast')}`, 'bs=1M'])
  await assert.rejects(start(dataDir), full)
})
