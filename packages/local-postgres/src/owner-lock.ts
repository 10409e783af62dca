import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LocalPostgresError } from './local-postgres-error.ts'
import type { OsAccount } from './postgres-account.ts'

const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/** The exclusive right to use a data directory. */
export interface OwnerLock {
  release(): void
}

/** The lock of a data directory. */
const DATA_DIRECTORY = { lock: 'owner.lock', pid: 'owner.pid', what: 'data directory' }
/** The lock of a cluster, for every path to it: by a link, or from two state files. */
const CLUSTER = { lock: 'caudal.lock', pid: 'caudal.pid', what: 'database' }

/**
 * Makes this process the owner of `dataDir` until it releases the lock or ends. It uses SQLite's
 * file lock, since Node has no API for one. The kernel releases it when the process ends, even
 * after kill -9, so no lock can be stale.
 *
 * @throws LocalPostgresError DATA_DIR_IN_USE if another running process has it
 */
export async function acquireOwnerLock(dataDir: string): Promise<OwnerLock> {
  return acquire(dataDir, DATA_DIRECTORY)
}

/**
 * The same for a complete cluster, in its own folder: the lock is where the data is.
 *
 * @throws LocalPostgresError DATA_DIR_IN_USE if another running process has it
 */
export async function acquireClusterLock(
  clusterDir: string,
  account: OsAccount | null,
): Promise<OwnerLock> {
  const lock = await acquire(clusterDir, CLUSTER)
  if (account === null) return lock
  // If root has started a user's cluster, that user must still be able to lock it.
  for (const name of [CLUSTER.lock, CLUSTER.pid]) {
    await chown(join(clusterDir, name), account.uid, account.gid).catch(() => undefined)
  }
  return lock
}

async function acquire(folder: string, names: typeof CLUSTER): Promise<OwnerLock> {
  const pidFile = join(folder, names.pid)
  const database = openLockFile(join(folder, names.lock))
  try {
    // Without a journal file nothing is written, so a full disk cannot prevent the lock.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    const pid = await readFile(pidFile, 'utf8').catch(() => '')
    throw explainLockError(error, { folder, what: names.what, pid })
  }
  await writeFile(pidFile, String(process.pid), { mode: 0o644 }).catch(() => undefined)
  return {
    release() {
      if (database.isOpen) database.close()
    },
  }
}

function openLockFile(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    throw new LocalPostgresError('PERMISSION_DENIED', `No permission to write ${file}.`, error)
  }
}

function explainLockError(
  error: unknown,
  { folder, what, pid }: { folder: string; what: string; pid: string },
): unknown {
  const number = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  if (number === SQLITE_BUSY) {
    const who = /^\d+$/.test(pid) ? `another running process (${pid})` : 'another running process'
    return new LocalPostgresError(
      'DATA_DIR_IN_USE',
      `The ${what} ${folder} is in use by ${who}.`,
      error,
    )
  }
  if (number === SQLITE_FULL) {
    return new LocalPostgresError('DISK_FULL', `The disk of ${folder} is full.`, error)
  }
  return new LocalPostgresError('PERMISSION_DENIED', `No permission to write in ${folder}.`, error)
}
