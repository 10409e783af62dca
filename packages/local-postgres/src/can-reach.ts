import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { OsAccount } from './postgres-account.ts'

const SEARCH = 0o1

/**
 * Whether `account` has search permission on `folder` and all its parents. Checks mode bits only:
 * if an access control list grants more, the result is false, which is safe.
 */
export async function canReach(folder: string, account: OsAccount): Promise<boolean> {
  let current = await realpath(folder)
  for (;;) {
    const { mode, uid, gid } = await stat(current)
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
    if (((mode >> shift) & SEARCH) === 0) return false
    const parent = dirname(current)
    if (parent === current) return true
    current = parent
  }
}
