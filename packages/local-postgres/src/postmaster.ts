import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LocalPostgresError } from './local-postgres-error.ts'

const run = promisify(execFile)
const POLL_MS = 20
const FAST_SHUTDOWN_MS = 120_000
const IMMEDIATE_SHUTDOWN_MS = 15_000

interface PostmasterFile {
  pid: number
  /** `starting`, `ready`, `stopping`, `standby`; empty before the server writes it. */
  status: string
}

/** Reads the postmaster.pid file of a running or killed server; null if there is none. */
export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | null> {
  const text = await readFile(pidFile(clusterDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n')
  const pid = Number.parseInt(lines[0] ?? '', 10)
  return Number.isNaN(pid) ? null : { pid, status: lines[7]?.trim() ?? '' }
}

/** The process id of the server that runs on this cluster, or null. */
export async function runningPostmaster(clusterDir: string): Promise<number | null> {
  const file = await readPostmasterFile(clusterDir)
  if (file === null || !(await isAlive(file.pid))) return null
  return (await commandLine(file.pid)).includes(clusterDir) ? file.pid : null
}

/**
 * Removes postmaster.pid if its server no longer runs. PostgreSQL would take any process with the
 * recorded id for a running server, and ids repeat soon in a restarted container.
 */
export async function removeStalePidFile(clusterDir: string): Promise<void> {
  if ((await runningPostmaster(clusterDir)) === null) await rm(pidFile(clusterDir), { force: true })
}

/**
 * Requests a fast shutdown (sessions are ended, everything is written) and waits for the process to
 * end. If the server does not end in time or its disk is full (`full`), requests an immediate
 * shutdown, which loses no committed transaction.
 *
 * @throws LocalPostgresError STOP_FAILED
 */
export async function stopPostmaster(pid: number, { full = false } = {}): Promise<void> {
  if (!full) {
    signal(pid, 'SIGINT')
    if (await hasEnded(pid, FAST_SHUTDOWN_MS)) return
  }
  signal(pid, 'SIGQUIT')
  if (await hasEnded(pid, IMMEDIATE_SHUTDOWN_MS)) return
  throw new LocalPostgresError('STOP_FAILED', `The database server (process ${pid}) did not stop.`)
}

/** Sends a signal; does nothing if the process has ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function hasEnded(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (!(await isAlive(pid))) return true
    await pause(POLL_MS)
  }
  return false
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  // If a container's first process does not reap children, an ended server remains as a zombie.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) [ZX] /.test(stat)
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  }
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout
}

function pidFile(clusterDir: string): string {
  return join(clusterDir, 'postmaster.pid')
}
