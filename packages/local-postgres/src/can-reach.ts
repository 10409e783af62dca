import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Account } from './postgres-account.ts'

const SEARCH = 0o1

/**
 * Whether `account` may enter `folder`: every folder on the way must let it search. Only mode bits
 * are read; where an access control list grants more, the answer is a harmless no.
 */
export async function canReach(folder: string, account: Account): Promise<boolean> {
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
