import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { newClusterId, verifyClusterId } from './cluster-identity.ts'
import {
  type ClusterState,
  newPasswords,
  readClusterState,
  writeClusterState,
} from './cluster-state.ts'
import { createCluster } from './create-cluster.ts'
import { findBinaries } from './find-binaries.ts'
import { LocalPostgresError } from './local-postgres-error.ts'
import { locateCluster } from './locate-cluster.ts'
import { acquireClusterLock, type OwnerLock } from './owner-lock.ts'
import { findExternalClusters, placeBinaries, placeCluster } from './place-cluster.ts'
import { type OsAccount, findOrCreateAccount, isRoot } from './postgres-account.ts'
import {
  type LocalPostgresLogger,
  refuseTornCopy,
  removeStalePidFile,
  stopOrphan,
} from './postmaster.ts'
import { relocateIfUnreachable, takeOwnership } from './relocate-cluster.ts'

const MAJOR_VERSION = '18'

/** A complete cluster that no server runs on, locked by this process. */
export interface PreparedCluster {
  installation: string
  clusterDir: string
  account: OsAccount | null
  passwords: ClusterState['passwords']
  orphanStopped: boolean
}

type PrepareOptions = {
  dataDir: string
  /** The roles of services, which get a password. */
  roles: readonly string[]
  throwaway: boolean
  logger: LocalPostgresLogger
  /** Takes over the cluster's lock. The caller already holds that of the data directory. */
  hold: (lock: OwnerLock) => void
}

/**
 * Finds, checks and locks the cluster of a data directory, and stops a server that a killed process
 * left running on it; creates the cluster at the first start.
 *
 * @throws LocalPostgresError
 */
export async function prepareCluster(options: PrepareOptions): Promise<PreparedCluster> {
  const { dataDir, roles, throwaway, logger, hold } = options
  const stored = (await readClusterState(dataDir)) ?? (await newState(dataDir, logger))
  const found = await locateCluster(dataDir, stored)
  const account = await accountFor(found)
  let orphanStopped = false
  let id = found.id ?? newClusterId()
  const exists = await isComplete(found.clusterDir)
  if (exists) {
    id = await verifyClusterId(dataDir, found)
    hold(await acquireClusterLock(found.clusterDir, account))
    await refuseTornCopy(found.clusterDir)
    orphanStopped = await stopOrphan(found.clusterDir, logger)
  }
  const known = { ...found, id, created: exists }
  const state = await relocateIfUnreachable(dataDir, known, { account, logger })
  const { clusterDir } = state
  const passwords = newPasswords(roles, state.passwords)
  const installation = await placeBinaries(await findBinaries(), account)
  if (exists) await takeOwnership(clusterDir, account)
  else {
    // Stored first: a retry after a crash has the same passwords and identity.
    await writeClusterState(dataDir, state)
    logger.info({ dataDir }, 'creating a database cluster')
    await createCluster({ installation, dataDir, state: { ...state, account }, throwaway })
  }
  if (!exists || clusterDir !== found.clusterDir) {
    hold(await acquireClusterLock(clusterDir, account))
  }
  const complete: ClusterState = { ...state, passwords, created: true }
  if (!isDeepStrictEqual(complete, stored)) await writeClusterState(dataDir, complete)
  await removeStalePidFile(clusterDir)
  return { installation, clusterDir, account, passwords, orphanStopped }
}

async function newState(dataDir: string, logger: LocalPostgresLogger): Promise<ClusterState> {
  for (const clusterDir of await findExternalClusters(dataDir)) {
    await stopOrphan(clusterDir, logger)
    logger.warn({ clusterDir }, 'an earlier database of this data directory still uses disk space')
  }
  const inside = join(dataDir, 'cluster')
  if (await isComplete(inside)) {
    throw new LocalPostgresError(
      'DATA_DIR_UNUSABLE',
      `${dataDir} has a database but not its passwords (state.json). Start over with --fresh.`,
    )
  }
  const account = isRoot() ? await findOrCreateAccount() : null
  const clusterDir = await placeCluster(dataDir, account)
  return {
    id: newClusterId(),
    place: clusterDir === inside ? 'inside' : 'outside',
    created: false,
    clusterDir,
    account,
    passwords: newPasswords([]),
  }
}

/** If root starts a cluster that an ordinary user created, the server runs as that user. */
async function accountFor({ account, clusterDir }: ClusterState): Promise<OsAccount | null> {
  if (!isRoot()) return null
  if (account !== null) return account
  const { uid, gid } = await stat(clusterDir).catch(() => ({ uid: 0, gid: 0 }))
  return uid === 0 ? findOrCreateAccount() : { uid, gid }
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
