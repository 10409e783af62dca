import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LocalPostgresError } from './local-postgres-error.ts'

const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/** The exclusive right to use a data directory. */
export interface OwnerLock {
  release(): void
}

/**
 * Makes this process the owner of `dataDir` until it releases the lock or ends. It uses SQLite's
 * file lock, since Node has no API for one. The kernel releases it when the process ends, even
 * after kill -9, so no lock can be stale.
 *
 * @throws LocalPostgresError DATA_DIR_IN_USE if another running process has it
 */
export async function acquireOwnerLock(dataDir: string): Promise<OwnerLock> {
  const pidFile = join(dataDir, 'owner.pid')
  const database = openLockFile(join(dataDir, 'owner.lock'))
  try {
    // Without a journal file nothing is written, so a full disk cannot prevent the lock.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw explainLockError(error, dataDir, await readFile(pidFile, 'utf8').catch(() => ''))
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

function explainLockError(error: unknown, dataDir: string, pid: string): unknown {
  const number = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  if (number === SQLITE_BUSY) {
    const who = /^\d+$/.test(pid) ? `another running process (${pid})` : 'another running process'
    return new LocalPostgresError(
      'DATA_DIR_IN_USE',
      `The data directory ${dataDir} is in use by ${who}.`,
      error,
    )
  }
  if (number === SQLITE_FULL) {
    return new LocalPostgresError('DISK_FULL', `The disk of ${dataDir} is full.`, error)
  }
  return new LocalPostgresError('PERMISSION_DENIED', `No permission to write in ${dataDir}.`, error)
}
