import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readClusterState } from './cluster-state.ts'
import { explainFileError } from './local-postgres-error.ts'
import { type OwnerLock, acquireOwnerLock } from './owner-lock.ts'
import { clusterHome } from './place-cluster.ts'
import { type LocalPostgresLogger, stopOrphan } from './start-local-postgres.ts'

/**
 * Deletes the cluster of `dataDir`, wherever its files are, and the directory. First stops a server
 * that a killed process left running.
 *
 * @throws LocalPostgresError DATA_DIR_IN_USE, PERMISSION_DENIED
 */
export async function removeLocalPostgres(options: {
  dataDir: string
  logger: LocalPostgresLogger
}): Promise<void> {
  const dataDir = resolve(options.dataDir)
  let lock: OwnerLock | undefined
  try {
    await mkdir(dataDir, { recursive: true })
    lock = await acquireOwnerLock(dataDir)
    // A damaged state file must not prevent the user from starting over.
    const state = await readClusterState(dataDir).catch(() => null)
    const clusterDir = state?.clusterDir ?? join(dataDir, 'cluster')
    await stopOrphan(clusterDir, options.logger)
    await rm(clusterHome(clusterDir), { recursive: true, force: true })
    await rm(dataDir, { recursive: true, force: true })
  } catch (error) {
    throw explainFileError(error, dataDir)
  } finally {
    lock?.release()
  }
}
