import { mkdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ADMIN_ROLE, APP_ROLE, OWNER_ROLE } from './cluster-state.ts'
import { ensureRoles } from './ensure-roles.ts'
import { freePort } from './free-port.ts'
import {
  explainFileError,
  explainStatementError,
  LocalPostgresError,
  ranOutOfDisk,
} from './local-postgres-error.ts'
import { type OwnerLock, acquireOwnerLock } from './owner-lock.ts'
import { type LocalPostgresLogger, removeStalePidFile } from './postmaster.ts'
import { prepareCluster } from './prepare-cluster.ts'
import {
  runServer,
  type Server,
  type PostgresServerOptions,
  socketDirectory,
} from './run-server.ts'
import { serverSettings, type ServerSettings } from './server-settings.ts'
import { superviseServer } from './supervise-server.ts'

const HOST = '127.0.0.1'
const MAX_ATTEMPTS = 20
const RETRY_MS = 250

/** How to start a local server. */
export interface LocalPostgresOptions {
  /** Contains the cluster, its passwords (mode 0600) and its log; created if it does not exist. */
  dataDir: string
  /** 0, the default, chooses a free port. */
  port?: number
  /** Override the defaults of server-settings.ts. */
  settings?: ServerSettings
  /** The roles of services, created if they do not exist; `roleUrl` connects as one of them. */
  roles?: readonly string[]
  /** For clusters that are deleted after use: creating them does not sync to the disk. */
  throwaway?: boolean
  logger: LocalPostgresLogger
}

/** A running local server. */
export interface LocalPostgres {
  host: string
  port: number
  /**
   * Server URLs (database `postgres`) of the superuser, the migrating role and the role of release
   * 0.1.0. The last one uses the Unix socket if there is one.
   */
  adminUrl: string
  ownerUrl: string
  appUrl: string
  /** The server URL of a role in `roles`, which uses the Unix socket if there is one. */
  roleUrl(role: string): string
  logFile: string
  /** Whether a server that a killed process left running was stopped before this start. */
  orphanStopped: boolean
  /** Turns a statement's error into DISK_FULL if the disk is full; returns other errors as is. */
  explain(error: unknown): Promise<unknown>
  /** Resolves with the reason if the server ended and could not be started again. */
  failed: Promise<LocalPostgresError>
  /** Fast shutdown; resolves when the server has ended and the directory is unlocked. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL 18 on `dataDir`. The first start creates the cluster and the roles
 * `caudal_admin`, `caudal_owner` and `caudal_app`; each start those of `roles` that are missing. A
 * server that a killed process left running is stopped first, so that every start has a new
 * server.
 *
 * @throws LocalPostgresError with one sentence for the user
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const dataDir = resolve(options.dataDir)
  const locks: OwnerLock[] = []
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o755 })
    locks.push(await acquireOwnerLock(dataDir))
    return await startOwned({ ...options, dataDir: await realpath(dataDir) }, locks)
  } catch (error) {
    releaseAll(locks)
    throw explainFileError(error, dataDir)
  }
}

function releaseAll(locks: OwnerLock[]): void {
  for (const lock of locks.splice(0).toReversed()) lock.release()
}

async function startOwned(
  options: LocalPostgresOptions,
  locks: OwnerLock[],
): Promise<LocalPostgres> {
  const { dataDir, logger, roles = [], throwaway = false } = options
  const hold = (lock: OwnerLock): void => void locks.push(lock)
  const prepared = await prepareCluster({ dataDir, roles, throwaway, logger, hold })
  const { installation, clusterDir, account, passwords, orphanStopped } = prepared
  const settings = await serverSettings(installation, options.settings ?? {})
  const logFile = join(dataDir, 'postgres.log')
  const wanted = { installation, clusterDir, dataDir, logFile, account, settings }
  const { server: first, port } = await runOnPort({ ...wanted, port: options.port ?? 0 })
  // The server has no TLS, whatever PGSSLMODE the environment sets for other servers.
  const urlOf = (role: string) =>
    `postgres://${role}:${passwords[role]}@${HOST}:${port}/postgres?sslmode=disable`
  const output = () => current().output()
  const { current, failed, stop } = superviseServer(first, {
    restart: async () => {
      await removeStalePidFile(clusterDir)
      return (await runOnPort({ ...wanted, port })).server
    },
    isFull: async () => ranOutOfDisk(await output(), dataDir).catch(() => false),
    release: () => releaseAll(locks),
    logger,
  })
  const explain = async (error: unknown) =>
    explainStatementError(error, { dataDir, output: await output() })
  try {
    await ensureRoles(urlOf(ADMIN_ROLE), passwords)
  } catch (error) {
    await stop()
    throw await explain(error)
  }
  const roleUrl = (role: string) => throughSocket(urlOf(role), socketDirectory(clusterDir))
  logger.info({ port, pid: first.pid, clusterDir }, 'the database server is ready')
  return {
    host: HOST,
    port,
    adminUrl: urlOf(ADMIN_ROLE),
    ownerUrl: urlOf(OWNER_ROLE),
    appUrl: roleUrl(APP_ROLE),
    roleUrl,
    logFile,
    orphanStopped,
    explain,
    failed,
    stop,
  }
}

/** The URL with the Unix socket's directory, which `pg` accepts as a host. */
function throughSocket(url: string, directory: string | undefined): string {
  return directory === undefined ? url : `${url}&host=${encodeURIComponent(directory)}`
}

/**
 * Retries if the chosen free port was taken meanwhile, or if the shared memory is still in use: the
 * child processes of a killed server hold it for a moment.
 */
async function runOnPort(
  options: PostgresServerOptions,
): Promise<{ server: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : options.port
    try {
      return { server: await runServer({ ...options, port }), port }
    } catch (error) {
      const passing =
        error instanceof LocalPostgresError &&
        ((error.code === 'PORT_TAKEN' && options.port === 0) ||
          error.message.includes('shared memory block'))
      if (!passing || attempt === MAX_ATTEMPTS) throw error
      await pause(RETRY_MS)
    }
  }
}
