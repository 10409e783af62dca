import { mkdir, readdir, realpath, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type ClusterState, readClusterState } from './cluster-state.ts'
import { exists } from './exists.ts'
import { explainFileError, LocalPostgresError } from './local-postgres-error.ts'
import { linkOf } from './locate-cluster.ts'
import { acquireClusterLock, acquireOwnerLock, type OwnerLock } from './owner-lock.ts'
import { type LocalPostgresLogger, stopOrphan } from './postmaster.ts'

/**
 * Deletes the cluster of `dataDir`, wherever its files are, and the directory. First stops a server
 * that a killed process left running. The cluster of another directory, of which this one is a
 * copy, stays.
 *
 * @throws LocalPostgresError DATA_DIR_IN_USE, DATA_DIR_UNUSABLE, PERMISSION_DENIED
 */
export async function removeLocalPostgres(options: {
  dataDir: string
  logger: LocalPostgresLogger
}): Promise<void> {
  const locks: OwnerLock[] = []
  let dataDir = resolve(options.dataDir)
  try {
    await mkdir(dataDir, { recursive: true })
    dataDir = await realpath(dataDir)
    await refuseForeign(dataDir)
    locks.push(await acquireOwnerLock(dataDir))
    // A damaged state file must not prevent the user from starting over.
    const state = await readClusterState(dataDir).catch(() => null)
    const outside = state !== null && (await ownsOutside(dataDir, state)) ? [state.clusterDir] : []
    for (const clusterDir of [join(dataDir, 'cluster'), ...outside]) {
      if (!(await exists(clusterDir))) continue
      locks.push(await acquireClusterLock(clusterDir, null))
      await stopOrphan(clusterDir, options.logger)
    }
    for (const clusterDir of outside) {
      await rm(dirname(clusterDir), { recursive: true, force: true })
    }
    await rm(dataDir, { recursive: true, force: true })
  } catch (error) {
    throw explainFileError(error, dataDir)
  } finally {
    for (const lock of locks.toReversed()) lock.release()
  }
}

async function ownsOutside(dataDir: string, state: ClusterState): Promise<boolean> {
  if (state.place === 'inside') return false
  const { of } = await linkOf(dataDir, state)
  return of === 'own' || of === 'moved'
}

/** A folder of this name that Caudal did not make has neither file, and something else. */
async function refuseForeign(dataDir: string): Promise<void> {
  const names = await readdir(dataDir)
  const own = ['state.json', 'owner.lock'].some((name) => names.includes(name))
  if (own || names.length === 0) return
  throw new LocalPostgresError(
    'DATA_DIR_UNUSABLE',
    `${dataDir} was not made by Caudal, so it is not deleted.`,
  )
}
