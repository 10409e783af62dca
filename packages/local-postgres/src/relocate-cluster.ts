import { cp, lchown, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ClusterState, writeClusterState } from './cluster-state.ts'
import { exists } from './exists.ts'
import { waitingPlace } from './locate-cluster.ts'
import { canBeInside, placeCluster } from './place-cluster.ts'
import type { OsAccount } from './postgres-account.ts'
import type { LocalPostgresLogger } from './postmaster.ts'

/**
 * Copies a cluster to an external folder if its data directory was moved to where PostgreSQL's user
 * has no access. A crash leaves the cluster in one complete place, and the state file names it:
 * until it does, the next start renames the waiting cluster back (locate-cluster.ts).
 */
export async function relocateIfUnreachable(
  dataDir: string,
  state: ClusterState,
  { account, logger }: { account: OsAccount | null; logger: LocalPostgresLogger },
): Promise<ClusterState> {
  if (state.place === 'outside' || (await canBeInside(dataDir, account))) return state
  const clusterDir = await placeCluster(dataDir, account)
  const moved: ClusterState = { ...state, place: 'outside', clusterDir }
  if (!(await exists(state.clusterDir))) return moved
  logger.info({ dataDir, clusterDir }, "copying the database to where PostgreSQL's user has access")
  const waiting = waitingPlace(dataDir)
  await rename(state.clusterDir, waiting)
  try {
    await cp(waiting, `${clusterDir}.new`, { recursive: true, preserveTimestamps: true })
    await rename(`${clusterDir}.new`, clusterDir)
  } catch (error) {
    await rm(dirname(clusterDir), { recursive: true, force: true })
    await rename(waiting, state.clusterDir)
    throw error
  }
  await writeClusterState(dataDir, moved)
  await rm(waiting, { recursive: true, force: true })
  return moved
}

/**
 * Gives the cluster to the server's account if root has copied it without its owner (`cp -r`).
 * PostgreSQL refuses files of another user.
 */
export async function takeOwnership(clusterDir: string, account: OsAccount | null): Promise<void> {
  if (account === null || (await stat(clusterDir)).uid === account.uid) return
  const entries = await readdir(clusterDir, { recursive: true })
  for (const entry of entries) await lchown(join(clusterDir, entry), account.uid, account.gid)
  await lchown(clusterDir, account.uid, account.gid)
}
