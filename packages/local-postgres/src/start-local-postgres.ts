import { mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  ADMIN_ROLE,
  APP_ROLE,
  type ClusterState,
  newPasswords,
  OWNER_ROLE,
  readState,
  writeState,
} from './cluster-state.ts'
import { createCluster } from './create-cluster.ts'
import { ensureRoles } from './ensure-roles.ts'
import { findBinaries } from './find-binaries.ts'
import { freePort } from './free-port.ts'
import {
  explainFileError,
  explainStatementFault,
  LocalPostgresError,
  ranOutOfDisk,
} from './local-postgres-error.ts'
import { type OwnerLock, takeOwnership } from './owner-lock.ts'
import { clustersLeftOutside, placeBinaries, placeCluster } from './place-cluster.ts'
import { type Account, findOrCreateAccount, isRoot } from './postgres-account.ts'
import { forgetDeadPostmaster, runningPostmaster, signal, stopPostmaster } from './postmaster.ts'
import {
  hasEnded,
  runServer,
  type Server,
  type ServerOptions,
  socketDirectory,
} from './run-server.ts'
import { serverSettings, type Settings } from './server-settings.ts'

const HOST = '127.0.0.1'
const MAJOR_VERSION = '18'
const MAX_ATTEMPTS = 20
const RETRY_MS = 250

/** The part of a pino logger that is used here. */
export interface LocalPostgresLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface LocalPostgresOptions {
  /** Holds the cluster, its passwords (mode 0600) and its log; made if it is not there. */
  dataDir: string
  /** 0, the default, picks a free one. */
  port?: number
  /** Over the defaults of server-settings.ts. */
  settings?: Settings
  /** For clusters that are deleted after use: the first start does not wait for the disk. */
  throwaway?: boolean
  logger: LocalPostgresLogger
}

export interface LocalPostgres {
  host: string
  port: number
  /**
   * Server URLs, database `postgres`: superuser, migrating role, and the runtime role, by the
   * server's socket file where there is one.
   */
  adminUrl: string
  ownerUrl: string
  appUrl: string
  logFile: string
  /** True if a server without its parent was found on the data and stopped before this start. */
  orphanStopped: boolean
  /** A fault of a statement as one sentence, if the disk is full; any other as it is. */
  explain(error: unknown): Promise<unknown>
  /** Fast shutdown; resolves when the server is gone and the directory is free again. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL 18 on `dataDir`, making the cluster and the roles `caudal_admin`,
 * `caudal_owner` and `caudal_app` on the first run. A server that outlived a killed owner is
 * stopped in order first, so every run begins with a server of its own.
 *
 * @throws LocalPostgresError with one sentence for the user
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const dataDir = resolve(options.dataDir)
  let lock: OwnerLock | undefined
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o755 })
    lock = await takeOwnership(dataDir)
    return await startOwned({ ...options, dataDir: await realpath(dataDir) }, lock)
  } catch (error) {
    lock?.release()
    throw explainFileError(error, dataDir)
  }
}

async function startOwned(options: LocalPostgresOptions, lock: OwnerLock): Promise<LocalPostgres> {
  const { dataDir, logger, throwaway = false } = options
  const state = (await readState(dataDir)) ?? (await newState(dataDir, logger))
  const { clusterDir, passwords } = state
  const account = await accountFor(state)
  const installation = await placeBinaries(await findBinaries(), account)
  const orphanStopped = await stopOrphan(clusterDir, logger)
  if (!(await isComplete(clusterDir))) {
    logger.info({ dataDir }, 'making a database cluster')
    await createCluster({ installation, dataDir, state: { ...state, account }, throwaway })
  }
  await forgetDeadPostmaster(clusterDir)
  const settings = await serverSettings(installation, options.settings ?? {})
  const logFile = join(dataDir, 'postgres.log')
  const wanted = { installation, clusterDir, dataDir, logFile, account, settings }
  const { server, port } = await runOnPort({ ...wanted, port: options.port ?? 0 })
  const urlOf = (role: keyof typeof passwords) =>
    `postgres://${role}:${passwords[role]}@${HOST}:${port}/postgres`
  const isFull = async () => ranOutOfDisk(await server.output(), dataDir).catch(() => false)
  const stop = watch(server, { lock, logger, isFull })
  const explain = async (error: unknown) =>
    explainStatementFault(error, { dataDir, output: await server.output() })
  try {
    await ensureRoles(urlOf(ADMIN_ROLE), passwords)
  } catch (error) {
    await stop()
    throw await explain(error)
  }
  logger.info({ port, pid: server.pid, clusterDir }, 'database server is ready')
  return {
    host: HOST,
    port,
    adminUrl: urlOf(ADMIN_ROLE),
    ownerUrl: urlOf(OWNER_ROLE),
    appUrl: throughSocket(urlOf(APP_ROLE), socketDirectory(clusterDir)),
    logFile,
    orphanStopped,
    explain,
    stop,
  }
}

/** The same server by its socket file; `pg` takes the folder as the host. */
function throughSocket(url: string, directory: string | undefined): string {
  return directory === undefined ? url : `${url}?host=${encodeURIComponent(directory)}`
}

/** Recorded before the cluster is made: a crash in between repeats with the same passwords. */
async function newState(dataDir: string, logger: LocalPostgresLogger): Promise<ClusterState> {
  for (const clusterDir of await clustersLeftOutside(dataDir)) {
    await stopOrphan(clusterDir, logger)
    logger.warn({ clusterDir }, 'an earlier database of this data directory still takes disk space')
  }
  if (await isComplete(join(dataDir, 'cluster'))) {
    throw new LocalPostgresError(
      'DATA_DIR_UNUSABLE',
      `${dataDir} has a database but not its passwords (state.json): start over with --fresh.`,
    )
  }
  const account = isRoot() ? await findOrCreateAccount() : null
  const clusterDir = await placeCluster(dataDir, account)
  const state = { clusterDir, account, passwords: newPasswords() }
  await writeState(dataDir, state)
  return state
}

/** Root may start what an ordinary user made: the server then runs as that user. */
async function accountFor({ account, clusterDir }: ClusterState): Promise<Account | null> {
  if (!isRoot()) return null
  if (account !== null) return account
  const { uid, gid } = await stat(clusterDir).catch(() => ({ uid: 0, gid: 0 }))
  return uid === 0 ? findOrCreateAccount() : { uid, gid }
}

/** Stops a server that outlived its owner; we hold the lock, so it is nobody's. */
export async function stopOrphan(
  clusterDir: string,
  logger: LocalPostgresLogger,
): Promise<boolean> {
  const pid = await runningPostmaster(clusterDir)
  if (pid === null) return false
  logger.info({ pid, clusterDir }, 'stopping the database server that a killed run left behind')
  await stopPostmaster(pid)
  return true
}

async function isComplete(clusterDir: string): Promise<boolean> {
  const names = await readdir(clusterDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return false
  const version = await readFile(join(clusterDir, 'PG_VERSION'), 'utf8').catch(() => 'unknown')
  if (version.trim() === MAJOR_VERSION) return true
  throw new LocalPostgresError(
    'DATA_DIR_UNUSABLE',
    `${clusterDir} belongs to PostgreSQL ${version.trim()}, not ${MAJOR_VERSION}.`,
  )
}

/**
 * A port found free may be taken a moment later, then another one is tried. A server that was
 * killed itself (not by us) leaves children for a moment, which still hold its memory.
 */
async function runOnPort(options: ServerOptions): Promise<{ server: Server; port: number }> {
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

type Watching = {
  lock: OwnerLock
  logger: LocalPostgresLogger
  /** A server without room cannot write its last checkpoint, and would try for ever. */
  isFull: () => Promise<boolean>
}

/** @returns a stop function that may be called any number of times. */
function watch(server: Server, { lock, logger, isFull }: Watching): () => Promise<void> {
  const { child, pid } = server
  let stopping: Promise<void> | undefined
  const ended = new Promise<void>((done) => {
    child.once('exit', (code, name) => {
      process.off('exit', stopWithUs)
      if (stopping === undefined) logger.error({ code, signal: name }, 'database server ended')
      done()
    })
  })
  // The last resort for a process that ends without stopping us: the server shuts down on its own.
  const stopWithUs = () => signal(pid, 'SIGINT')
  process.once('exit', stopWithUs)
  child.unref()
  const stop = async () => {
    if (!hasEnded(child)) {
      child.ref()
      await stopPostmaster(pid, { full: await isFull() })
      await ended
    }
    lock.release()
    logger.info({ pid }, 'database server stopped')
  }
  return () => (stopping ??= stop())
}
