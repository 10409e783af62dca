import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '../errors.ts'

/**
 * Creates a directory and its missing parents. Node's recursive mkdir does not return for some
 * directories in which nothing can be created, such as `/proc`.
 *
 * @throws {UsageError} if the directory cannot be created
 */
export async function makeDirectory(dir: string): Promise<void> {
  if (await isMade(dir)) return
  const above = dirname(dir)
  if (above !== dir) await makeDirectory(above)
  if (await isMade(dir)) return
  throw new UsageError(`cannot create a directory at ${dir}`)
}

/** False if the parent is missing. An existing file passes here and fails at the first write. */
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
