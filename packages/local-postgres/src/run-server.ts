import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { programPath } from './find-binaries.ts'
import { explainOutput } from './local-postgres-error.ts'
import type { OsAccount } from './postgres-account.ts'
import { readPostmasterFile, stopPostmaster } from './postmaster.ts'
import { serverEnvironment } from './server-environment.ts'
import type { ServerSettings } from './server-settings.ts'

const POLL_MS = 20
const MAX_LOG_BYTES = 20_000_000
/** Crash recovery replays at most `max_wal_size`, which a slow disk can do in this time. */
const READY_MS = 600_000

/** How to run a server. */
export interface PostgresServerOptions {
  installation: string
  clusterDir: string
  dataDir: string
  logFile: string
  account: OsAccount | null
  port: number
  settings: ServerSettings
}

/** A running server. */
export interface Server {
  child: ChildProcess
  pid: number
  /** The server's log output since this start. */
  output(): Promise<string>
}

/**
 * Starts the server and waits until it accepts connections. It runs in a separate session, so the
 * terminal's Ctrl-C does not reach it; the caller stops it after its clients.
 *
 * @throws LocalPostgresError PORT_TAKEN, DISK_FULL, PERMISSION_DENIED, START_FAILED, …
 */
export async function runServer(options: PostgresServerOptions): Promise<Server> {
  await rotateLog(options.logFile)
  const log = await open(options.logFile, 'a', 0o600)
  const from = (await log.stat()).size
  let child: ChildProcess
  try {
    child = spawn(programPath(options.installation, 'postgres'), serverArguments(options), {
      ...options.account,
      cwd: options.installation,
      env: serverEnvironment(),
      detached: true,
      // A file and not a pipe: if this process is killed, the server must still be able to write.
      stdio: ['ignore', log.fd, log.fd],
    })
    await once(child, 'spawn')
  } finally {
    await log.close()
  }
  const { pid } = child
  if (pid === undefined) throw new Error('the server has no process id')
  const output = async () => {
    const log = await readFile(options.logFile).catch(() => Buffer.alloc(0))
    return log.subarray(from).toString()
  }
  if (await waitUntilReady(options.clusterDir, child)) return { child, pid, output }
  if (!hasEnded(child)) await stopPostmaster(pid)
  throw await explainOutput(await output(), {
    program: 'postgres',
    dataDir: options.dataDir,
    port: options.port,
  })
}

/** The longest directory whose socket path, with `/.s.PGSQL.65535`, is valid on every Unix. */
const LONGEST_SOCKET_DIRECTORY = 88

/**
 * The directory of the server's Unix socket, whose statements cost a quarter less than over TCP;
 * undefined on Windows and if the path is too long.
 */
export function socketDirectory(clusterDir: string): string | undefined {
  if (process.platform === 'win32' || clusterDir.length > LONGEST_SOCKET_DIRECTORY) return undefined
  return clusterDir
}

function serverArguments({ clusterDir, port, settings }: PostgresServerOptions): string[] {
  const all: ServerSettings = {
    ...settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    // In the cluster's folder, to which only the server's account and root have access.
    unix_socket_directories: socketDirectory(clusterDir) ?? '',
  }
  return [
    '-D',
    clusterDir,
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

/** Resolves to false if the server ended or did not become ready in time. */
async function waitUntilReady(clusterDir: string, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + READY_MS
  while (!hasEnded(child) && performance.now() < deadline) {
    const file = await readPostmasterFile(clusterDir)
    if (file?.pid === child.pid && file?.status === 'ready') return true
    await pause(POLL_MS)
  }
  return false
}

/** Whether the process has ended and was reaped. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function rotateLog(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`)
}
