import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from './exists.ts'
import { isOutside } from './external-folders.ts'
import { LocalPostgresError } from './local-postgres-error.ts'

/** The superuser. */
export const ADMIN_ROLE = 'caudal_admin'
/** The role that creates databases and owns their tables. */
export const OWNER_ROLE = 'caudal_owner'
/** The role that all services ran as in release 0.1.0, and that tests run as. */
export const APP_ROLE = 'caudal_app'

/** What the next process needs to start the same cluster; readable by its owner only. */
export interface ClusterState {
  /** The identity that the cluster has too (cluster-identity.ts); release 0.1.0 wrote none. */
  id: string | null
  /** In the data directory, wherever that lies, or in a folder of its own (ADR 0020). */
  place: 'inside' | 'outside'
  /** Whether the cluster was complete: if it is missing now, the directory is not whole. */
  created: boolean
  /** PostgreSQL's data directory (PGDATA). For a cluster inside, where it was last. */
  clusterDir: string
  /** The account that the server runs as; null for the user who starts it. */
  account: { uid: number; gid: number } | null
  passwords: Passwords
}

/** The password of each role; those that every cluster has, and those that a start asked for. */
export type Passwords = Record<string, string> &
  Record<typeof ADMIN_ROLE | typeof OWNER_ROLE | typeof APP_ROLE, string>

/** Generates a random password for each role that has none in `known`. */
export function newPasswords(
  roles: readonly string[],
  known: Partial<Record<string, string>> = {},
): Passwords {
  const all = [ADMIN_ROLE, OWNER_ROLE, APP_ROLE, ...roles]
  const made = all.map((role) => [role, randomBytes(24).toString('base64url')])
  return { ...Object.fromEntries(made), ...known } as Passwords
}

/**
 * Reads the state file; null if it does not exist.
 *
 * @throws LocalPostgresError DATA_DIR_UNUSABLE
 */
export async function readClusterState(dataDir: string): Promise<ClusterState | null> {
  const file = stateFile(dataDir)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  try {
    const state: unknown = JSON.parse(text)
    if (isState(state)) return await complete(dataDir, state)
  } catch {
    // The error is thrown below.
  }
  throw new LocalPostgresError('DATA_DIR_UNUSABLE', `${file} is damaged. Start over with --fresh.`)
}

/** Writes a new file, syncs and renames it, so that a crash leaves the old state or the new one. */
export async function writeClusterState(dataDir: string, state: ClusterState): Promise<void> {
  const file = stateFile(dataDir)
  const draft = await open(`${file}.new`, 'w', 0o600)
  try {
    await draft.writeFile(`${JSON.stringify(state, null, 2)}\n`)
    await draft.sync()
  } finally {
    await draft.close()
  }
  await rename(`${file}.new`, file)
}

type StoredState = Pick<ClusterState, 'clusterDir' | 'account' | 'passwords'> &
  Partial<ClusterState>

/** Adds what release 0.1.0 did not write. It ran a server, and so wrote its log, when complete. */
async function complete(dataDir: string, stored: StoredState): Promise<ClusterState> {
  const { id = null, place = isOutside(stored.clusterDir) ? 'outside' : 'inside' } = stored
  const created = stored.created ?? (await exists(join(dataDir, 'postgres.log')))
  const clusterDir = place === 'inside' ? join(dataDir, 'cluster') : stored.clusterDir
  return { ...stored, id, place, created, clusterDir }
}

function isState(value: unknown): value is StoredState {
  if (typeof value !== 'object' || value === null) return false
  return 'clusterDir' in value && 'account' in value && 'passwords' in value
}

function stateFile(dataDir: string): string {
  return join(dataDir, 'state.json')
}
