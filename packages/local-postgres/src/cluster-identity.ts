import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterState } from './cluster-state.ts'
import { LocalPostgresError } from './local-postgres-error.ts'

/** In the cluster's folder, where it goes wherever the cluster goes. */
const FILE = 'caudal.id'

/** A new identity of a cluster. */
export function newClusterId(): string {
  return randomUUID()
}

/** Writes the identity into the cluster's folder. */
export async function writeClusterId(clusterDir: string, id: string): Promise<void> {
  await writeFile(join(clusterDir, FILE), `${id}\n`, { mode: 0o644 })
}

/**
 * Compares the identity of a complete cluster with that of its state file, and returns it. A
 * cluster of release 0.1.0 has none and gets one.
 *
 * @throws LocalPostgresError DATA_DIR_UNUSABLE if the cluster belongs to another data directory
 */
export async function verifyClusterId(
  dataDir: string,
  { id, clusterDir }: ClusterState,
): Promise<string> {
  const stored = await readClusterId(clusterDir)
  if (stored !== null && (id === null || id === stored)) return stored
  if (stored === null && id === null) {
    const made = newClusterId()
    await writeClusterId(clusterDir, made)
    return made
  }
  throw new LocalPostgresError(
    'DATA_DIR_UNUSABLE',
    `The database in ${clusterDir} is not the one that ${dataDir}/state.json belongs to. ` +
      'Restore both from the same copy.',
  )
}

async function readClusterId(clusterDir: string): Promise<string | null> {
  const text = await readFile(join(clusterDir, FILE), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    },
  )
  return text === null ? null : text.trim()
}
