import { execFile } from 'node:child_process'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LocalPostgresError } from './local-postgres-error.ts'

const run = promisify(execFile)
const POLL_MS = 20
const FAST_SHUTDOWN_MS = 120_000
const IMMEDIATE_SHUTDOWN_MS = 15_000

/** The part of a pino logger that is used here. */
export interface LocalPostgresLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

interface PostmasterFile {
  pid: number
  /** The cluster's folder when the server started. */
  directory: string
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
  return Number.isNaN(pid)
    ? null
    : { pid, directory: lines[1] ?? '', status: lines[7]?.trim() ?? '' }
}

/** The process id of the server that runs on this cluster, or null. */
export async function runningPostmaster(clusterDir: string): Promise<number | null> {
  const file = await readPostmasterFile(clusterDir)
  if (file === null || !(await isAlive(file.pid))) return null
  return (await runsOn(file, clusterDir)) ? file.pid : null
}

/**
 * Whether the recorded process is a server of this very folder. The folder may have been renamed
 * since the server started, so its path proves nothing; and the folder may be a copy, with the
 * record of a server that runs on the original. A server's working directory is its cluster.
 */
async function runsOn({ pid, directory }: PostmasterFile, clusterDir: string): Promise<boolean> {
  const command = await commandLine(pid)
  if (!/(^|[/\\])postgres(\.exe)?[\0 ]/.test(command)) return false
  const own = await inodeOf(clusterDir)
  const working = await inodeOf(`/proc/${pid}/cwd`)
  if (working !== null) return working === own
  const recorded = await inodeOf(directory)
  return command.includes(directory) && (recorded === null || recorded === own)
}

async function inodeOf(folder: string): Promise<string | null> {
  return stat(folder).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => null,
  )
}

/**
 * Refuses the copy of a cluster that was in use, whose files may be of different moments: it has
 * the record of a server on another folder that still exists. A copy of a stopped cluster has no
 * such record, and a moved cluster has no original.
 *
 * @throws LocalPostgresError DATA_DIR_UNUSABLE
 */
export async function refuseTornCopy(clusterDir: string): Promise<void> {
  const file = await readPostmasterFile(clusterDir)
  if (file === null) return
  const recorded = await inodeOf(file.directory)
  if (recorded === null || recorded === (await inodeOf(clusterDir))) return
  throw new LocalPostgresError(
    'DATA_DIR_UNUSABLE',
    `${clusterDir} was copied from ${file.directory} while that was in use or after a crash, so ` +
      'its files may not belong together. Stop the original cleanly and copy it again.',
  )
}

/**
 * Stops a server that a killed process left running; returns whether there was one. The caller
 * holds the owner lock, so no running process uses that server.
 */
export async function stopOrphan(
  clusterDir: string,
  logger: LocalPostgresLogger,
): Promise<boolean> {
  const pid = await runningPostmaster(clusterDir)
  if (pid === null) return false
  logger.info({ pid, clusterDir }, 'stopping the database server of a killed process')
  await stopPostmaster(pid)
  return true
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
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) [ZX] /.test(status)
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
