import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { programPath } from './find-binaries.ts'
import { explainOutput } from './local-postgres-error.ts'
import type { Account } from './postgres-account.ts'
import { readPostmasterFile, stopPostmaster } from './postmaster.ts'
import { serverEnvironment } from './server-environment.ts'
import type { Settings } from './server-settings.ts'

const POLL_MS = 20
const MAX_LOG_BYTES = 20_000_000
/** Recovery after a crash replays at most `max_wal_size`; even a slow disk does that in time. */
const READY_MS = 600_000

export interface ServerOptions {
  installation: string
  clusterDir: string
  dataDir: string
  logFile: string
  account: Account | null
  port: number
  settings: Settings
}

export interface Server {
  child: ChildProcess
  pid: number
  /** What it has written since this start. */
  output(): Promise<string>
}

/**
 * Starts the server and waits until it accepts connections. It runs in a session of its own: the
 * terminal's Ctrl-C does not reach it, and it stops when we say so, after its clients.
 *
 * @throws LocalPostgresError PORT_TAKEN, DISK_FULL, PERMISSION_DENIED, START_FAILED, …
 */
export async function runServer(options: ServerOptions): Promise<Server> {
  await keepLogShort(options.logFile)
  const log = await open(options.logFile, 'a', 0o600)
  const from = (await log.stat()).size
  let child: ChildProcess
  try {
    child = spawn(programPath(options.installation, 'postgres'), serverArguments(options), {
      ...options.account,
      cwd: options.installation,
      env: serverEnvironment(),
      detached: true,
      // A file, not a pipe: the server outlives us if we are killed, and must be able to write.
      stdio: ['ignore', log.fd, log.fd],
    })
    await once(child, 'spawn')
  } finally {
    await log.close()
  }
  const { pid } = child
  if (pid === undefined) throw new Error('The server has no process id')
  const output = async () => {
    const log = await readFile(options.logFile).catch(() => Buffer.alloc(0))
    return log.subarray(from).toString()
  }
  if (await becomesReady(options.clusterDir, child)) return { child, pid, output }
  if (!hasEnded(child)) await stopPostmaster(pid)
  throw await explainOutput(await output(), {
    program: 'postgres',
    dataDir: options.dataDir,
    port: options.port,
  })
}

/** What fits into a socket's address on every Unix, `/.s.PGSQL.65535` included. */
const LONGEST_SOCKET_DIRECTORY = 88

/**
 * Where the server's socket file is, which is a quarter cheaper for every statement than TCP; none
 * on Windows and where the path is too long.
 */
export function socketDirectory(clusterDir: string): string | undefined {
  if (process.platform === 'win32' || clusterDir.length > LONGEST_SOCKET_DIRECTORY) return undefined
  return clusterDir
}

function serverArguments({ clusterDir, port, settings }: ServerOptions): string[] {
  const all: Settings = {
    ...settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    // In the cluster's own folder, which only the server's account, and root, can enter.
    unix_socket_directories: socketDirectory(clusterDir) ?? '',
  }
  return [
    '-D',
    clusterDir,
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

/** False if the server ended instead, or took longer than any recovery. */
async function becomesReady(clusterDir: string, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + READY_MS
  while (!hasEnded(child) && performance.now() < deadline) {
    const file = await readPostmasterFile(clusterDir)
    if (file?.pid === child.pid && file?.status === 'ready') return true
    await pause(POLL_MS)
  }
  return false
}

/** Whether the process is gone and has been reaped. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function keepLogShort(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`)
}
