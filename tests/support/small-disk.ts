import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { silentLogger } from './silent-logger.ts'

/** A data directory on a disk of its own. */
export type SmallDisk = {
  dataDir: string
  /** Takes all the space that is left. */
  fill(): Promise<void>
  /** Frees that space. */
  free(): Promise<void>
}

const run = promisify(execFile)
const CHUNK = Buffer.alloc(1024 * 1024)

/** Why there is no small disk here; false if there is one. */
export const NO_SMALL_DISK =
  process.platform === 'linux' && process.getuid?.() === 0
    ? false
    : 'only root on Linux mounts a small disk'

/** Mounts a disk in memory; it is removed with its database when the scope ends. */
export async function mountSmallDisk(scope: TestScope, mebibytes: number): Promise<SmallDisk> {
  const dataDir = await mkdtemp(join(tmpdir(), 'caudal-test-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=711`, 'tmpfs', dataDir])
  // Behind what else ends with the scope: the server still runs.
  scope.after(() =>
    scope.after(async () => {
      await removeLocalPostgres({ dataDir: join(dataDir, 'postgres'), logger: silentLogger })
      await run('umount', [dataDir])
      await rm(dataDir, { recursive: true })
    }),
  )
  const ballast = join(dataDir, 'ballast')
  return {
    dataDir,
    async fill() {
      const file = await open(ballast, 'a')
      try {
        for (;;) await file.write(CHUNK)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast, { force: true }),
  }
}
