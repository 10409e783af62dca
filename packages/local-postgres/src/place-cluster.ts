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
import type { Account } from './postgres-account.ts'

/**
 * Where root puts what PostgreSQL's own user cannot reach in place, such as anything below root's
 * home. Both survive a reboot; the second is for machines whose /var/lib is read-only.
 */
const OUTSIDE = ['/var/lib/caudal', '/var/tmp/caudal']

/**
 * The folder for a new cluster: in `dataDir` if the server's account can reach it there, else a
 * folder of its own outside. The caller records it, so later runs find the same one.
 */
export async function placeCluster(dataDir: string, account: Account | null): Promise<string> {
  if (
    account === null ||
    ((await canReach(dataDir, account)) && (await canGive(dataDir, account)))
  ) {
    return join(dataDir, 'cluster')
  }
  const name = `${fingerprint(dataDir)}-${randomBytes(4).toString('hex')}`
  const home = join(await outsideFolder(), name)
  await mkdir(home, { mode: 0o755 })
  await writeFile(join(home, 'ORIGIN'), `${dataDir}\n`)
  return join(home, 'cluster')
}

/** Clusters outside that were once made for `dataDir`, whose record of them has been deleted. */
export async function clustersLeftOutside(dataDir: string): Promise<string[]> {
  const left: string[] = []
  for (const folder of OUTSIDE) {
    const names = await readdir(folder).catch(() => [])
    const mine = names.filter((name) => name.startsWith(`${fingerprint(dataDir)}-`))
    left.push(...mine.map((name) => join(folder, name, 'cluster')))
  }
  return left
}

/** The folder to delete with a cluster: its own folder outside, or just the cluster. */
export function clusterHome(clusterDir: string): string {
  const outside = OUTSIDE.some((folder) => clusterDir.startsWith(`${folder}/`))
  return outside ? join(clusterDir, '..') : clusterDir
}

/** An installation that the server's account can execute: in place, or a copy outside. */
export async function placeBinaries(binaries: Binaries, account: Account | null): Promise<string> {
  if (account === null || (await canReach(join(binaries.root, 'bin'), account))) {
    return binaries.root
  }
  // Named by content: installing the same package again makes no second copy.
  const mark = fingerprint(await readFile(programPath(binaries.root, 'postgres'))).slice(0, 8)
  const copy = join(
    await outsideFolder(),
    `postgres-${binaries.version}-${binaries.platform}-${mark}`,
  )
  if (await isFolder(copy)) return copy
  const draft = `${copy}.${randomBytes(4).toString('hex')}`
  await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true })
  await chmod(draft, 0o755)
  await rename(draft, copy).catch(async (error: unknown) => {
    // Another start finished the same copy first.
    await rm(draft, { recursive: true, force: true })
    if (!(await isFolder(copy))) throw error
  })
  return copy
}

/** Some mounts (a host's folder in a container, NFS) let not even root give a file away. */
async function canGive(dataDir: string, account: Account): Promise<boolean> {
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

async function outsideFolder(): Promise<string> {
  let failure: unknown
  for (const folder of OUTSIDE) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 })
      // /var/tmp is everybody's: a folder that somebody else put there is not ours to trust.
      const { uid, mode } = await lstat(folder)
      if (uid === 0 && (mode & 0o022) === 0) return folder
    } catch (error) {
      failure = error
    }
  }
  throw new LocalPostgresError(
    'PERMISSION_DENIED',
    `PostgreSQL's user cannot reach the data directory, and ${OUTSIDE[0]} cannot be written: ` +
      'choose another directory with --data.',
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
