import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '../errors.ts'

/**
 * Makes a directory with those above it. Node's own way to do so never ends where nothing can be
 * made although nothing is forbidden, as below `/proc`.
 *
 * @throws {UsageError} there
 */
export async function makeDirectory(dir: string): Promise<void> {
  if (await isMade(dir)) return
  const above = dirname(dir)
  if (above !== dir) await makeDirectory(above)
  if (await isMade(dir)) return
  throw new UsageError(`no directory can be made at ${dir}`)
}

/** False when the one above is missing; a file in its place is found by whoever writes into it. */
async function isMade(dir: string): Promise<boolean> {
  try {
    await mkdir(dir, { mode: 0o755 })
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    if (code === 'EEXIST') return true
    throw error
  }
}
