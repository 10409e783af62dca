import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { canReach } from './can-reach.ts'
import { type Binaries, programPath } from './find-binaries.ts'
import { LocalPostgresError } from './local-postgres-error.ts'
import type { OsAccount } from './postgres-account.ts'

/**
 * Where root puts files to which PostgreSQL's user has no access in place, such as those in root's
 * home. Both survive a reboot; the second is for machines with a read-only /var/lib.
 */
const EXTERNAL_FOLDERS = ['/var/lib/caudal', '/var/tmp/caudal']

/**
 * Chooses the folder of a new cluster: in `dataDir` if the server's account has access, else a new
 * external folder. The caller records it, so that later runs use the same one.
 */
export async function placeCluster(dataDir: string, account: OsAccount | null): Promise<string> {
  if (
    account === null ||
    ((await canReach(dataDir, account)) && (await canChown(dataDir, account)))
  ) {
    return join(dataDir, 'cluster')
  }
  const name = `${fingerprint(dataDir)}-${randomBytes(4).toString('hex')}`
  const home = join(await externalFolder(), name)
  await mkdir(home, { mode: 0o755 })
  await writeFile(join(home, 'ORIGIN'), `${dataDir}\n`)
  return join(home, 'cluster')
}

/** Finds external clusters that were created for `dataDir` and are no longer recorded there. */
export async function findExternalClusters(dataDir: string): Promise<string[]> {
  const left: string[] = []
  for (const folder of EXTERNAL_FOLDERS) {
    const names = await readdir(folder).catch(() => [])
    const mine = names.filter((name) => name.startsWith(`${fingerprint(dataDir)}-`))
    left.push(...mine.map((name) => join(folder, name, 'cluster')))
  }
  return left
}

/** The folder to delete with a cluster: its external folder, or only the cluster. */
export function clusterHome(clusterDir: string): string {
  const outside = EXTERNAL_FOLDERS.some((folder) => clusterDir.startsWith(`${folder}/`))
  return outside ? join(clusterDir, '..') : clusterDir
}

/** Returns an installation that the server's account can execute: in place or an external copy. */
export async function placeBinaries(
  binaries: Binaries,
  account: OsAccount | null,
): Promise<string> {
  if (account === null || (await canReach(join(binaries.root, 'bin'), account))) {
    return binaries.root
  }
  // The name depends on the content, so installing the same package again makes no second copy.
  const mark = fingerprint(await readFile(programPath(binaries.root, 'postgres'))).slice(0, 8)
  const copy = join(
    await externalFolder(),
    `postgres-${binaries.version}-${binaries.platform}-${mark}`,
  )
  if (await isFolder(copy)) return copy
  const draft = `${copy}.${randomBytes(4).toString('hex')}`
  await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true })
  await chmod(draft, 0o755)
  await rename(draft, copy).catch(async (error: unknown) => {
    // Another process may have finished the same copy first.
    await rm(draft, { recursive: true, force: true })
    if (!(await isFolder(copy))) throw error
  })
  return copy
}

/** Some mounts (a host folder in a container, NFS) do not allow chown, not even to root. */
async function canChown(dataDir: string, account: OsAccount): Promise<boolean> {
  const probe = join(dataDir, 'probe')
  await mkdir(probe, { recursive: true })
  try {
    await chown(probe, account.uid, account.gid)
    return true
  } catch {
    return false
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
}

async function externalFolder(): Promise<string> {
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

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function fingerprint(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
