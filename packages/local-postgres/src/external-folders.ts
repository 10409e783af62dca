import { lstat, mkdir } from 'node:fs/promises'
import { LocalPostgresError } from './local-postgres-error.ts'

/**
 * Where root puts files to which PostgreSQL's user has no access in place, such as those in root's
 * home. Both survive a reboot; the second is for machines with a read-only /var/lib.
 */
export const EXTERNAL_FOLDERS = ['/var/lib/caudal', '/var/tmp/caudal']

/** Whether a cluster's folder is in one of the external folders. */
export function isOutside(clusterDir: string): boolean {
  return EXTERNAL_FOLDERS.some((folder) => clusterDir.startsWith(`${folder}/`))
}

/**
 * Returns the first external folder that only root can write to; creates it if necessary.
 *
 * @throws LocalPostgresError PERMISSION_DENIED
 */
export async function externalFolder(): Promise<string> {
  let failure: unknown
  for (const folder of EXTERNAL_FOLDERS) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 })
      // Every user can write to /var/tmp, so a folder that root did not create is not trusted.
      const { uid, mode } = await lstat(folder)
      if (uid === 0 && (mode & 0o022) === 0) return folder
    } catch (error) {
      failure = error
    }
  }
  throw new LocalPostgresError(
    'PERMISSION_DENIED',
    `PostgreSQL's user has no access to the data directory, and ${EXTERNAL_FOLDERS[0]} is not ` +
      'writable. Choose another directory with --data.',
    failure,
  )
}
