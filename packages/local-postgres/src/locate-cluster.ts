import { realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ClusterState, readClusterState } from './cluster-state.ts'
import { exists } from './exists.ts'
import { LocalPostgresError } from './local-postgres-error.ts'
import { readOrigin, writeOrigin } from './place-cluster.ts'

/**
 * Whose the external folder of a state file is: this directory's, also if it was renamed; that of
 * the directory of which this one is a copy; or it does not exist.
 */
export type Link = { of: 'own' | 'moved' | 'missing' } | { of: 'original'; original: string }

/** Where a cluster waits while it is copied to an external folder (relocate-cluster.ts). */
export function waitingPlace(dataDir: string): string {
  return join(dataDir, 'cluster.moving')
}

/**
 * Finds the cluster of a data directory, which may have been moved, renamed or copied since the
 * state file was written. A cluster inside is where the directory is. A cluster outside must name
 * the directory as its own; the link is renewed if the directory was moved.
 *
 * @throws LocalPostgresError DATA_DIR_UNUSABLE if the directory is not whole
 */
export async function locateCluster(dataDir: string, state: ClusterState): Promise<ClusterState> {
  await finishRelocation(dataDir, state)
  const inside: ClusterState = { ...state, place: 'inside', clusterDir: join(dataDir, 'cluster') }
  const isInside = await exists(join(inside.clusterDir, 'PG_VERSION'))
  if (state.place === 'inside') {
    if (state.created && !isInside) throw notWhole(dataDir, inside.clusterDir)
    return inside
  }
  const home = dirname(state.clusterDir)
  const link = await linkOf(dataDir, state)
  if (isInside && (link.of === 'own' || link.of === 'moved')) {
    throw new LocalPostgresError(
      'DATA_DIR_UNUSABLE',
      `${dataDir} has two databases, ${inside.clusterDir} and ${state.clusterDir}. Move the one ` +
        'that is not wanted out of the way.',
    )
  }
  if (isInside) return { ...inside, created: true }
  if (link.of === 'original') throw isCopy(dataDir, state, link.original)
  if (link.of === 'missing') {
    if (state.created) throw notWhole(dataDir, state.clusterDir)
    return inside
  }
  if (state.created && !(await exists(join(state.clusterDir, 'PG_VERSION')))) {
    throw notWhole(dataDir, state.clusterDir)
  }
  if (link.of === 'moved') await writeOrigin(home, dataDir)
  return state
}

/** Compares the external folder's own record with the data directory. */
export async function linkOf(dataDir: string, state: ClusterState): Promise<Link> {
  const origin = await readOrigin(dirname(state.clusterDir))
  if (origin === null) return { of: 'missing' }
  const there = await realpath(origin).catch(() => null)
  if (there === dataDir) return { of: 'own' }
  const other = there === null ? null : await readClusterState(there).catch(() => null)
  if (other === null || !isSame(other, state)) return { of: 'moved' }
  return { of: 'original', original: origin }
}

function isSame(one: ClusterState, other: ClusterState): boolean {
  if (one.id !== null && other.id !== null) return one.id === other.id
  return one.clusterDir === other.clusterDir
}

/** After a crash during a relocation: the state file records whether the copy was complete. */
async function finishRelocation(dataDir: string, { place }: ClusterState): Promise<void> {
  const waiting = waitingPlace(dataDir)
  if (!(await exists(waiting))) return
  if (place === 'inside') await rename(waiting, join(dataDir, 'cluster'))
  else await rm(waiting, { recursive: true, force: true })
}

function notWhole(dataDir: string, missing: string): LocalPostgresError {
  return new LocalPostgresError(
    'DATA_DIR_UNUSABLE',
    `${dataDir} is not whole: its database, ${missing}, is missing. Restore it, or start over ` +
      'with --fresh.',
  )
}

function isCopy(
  dataDir: string,
  { clusterDir }: ClusterState,
  original: string,
): LocalPostgresError {
  return new LocalPostgresError(
    'DATA_DIR_UNUSABLE',
    `${dataDir} is a copy of ${original} without its database, which is in ${clusterDir} because ` +
      "PostgreSQL's user has no access here. Stop the original, then copy the database too: " +
      `cp -a ${clusterDir} ${dataDir}/cluster`,
  )
}
