import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  cp,
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
import { EXTERNAL_FOLDERS, externalFolder } from './external-folders.ts'
import { type Binaries, programPath } from './find-binaries.ts'
import type { OsAccount } from './postgres-account.ts'

/**
 * Chooses the folder of a new cluster: in `dataDir` if the server's account has access, else a new
 * external folder. The caller records it, so that later runs use the same one.
 */
export async function placeCluster(dataDir: string, account: OsAccount | null): Promise<string> {
  if (await canBeInside(dataDir, account)) return join(dataDir, 'cluster')
  const name = `${fingerprint(dataDir)}-${randomBytes(4).toString('hex')}`
  const home = join(await externalFolder(), name)
  await mkdir(home, { mode: 0o755 })
  await writeOrigin(home, dataDir)
  return join(home, 'cluster')
}

/** Whether the server's account could use a cluster in the data directory. */
export async function canBeInside(dataDir: string, account: OsAccount | null): Promise<boolean> {
  if (account === null) return true
  return (await canReach(dataDir, account)) && (await canChown(dataDir, account))
}

/** Records in an external folder which data directory it belongs to. */
export async function writeOrigin(home: string, dataDir: string): Promise<void> {
  const draft = join(home, 'ORIGIN.new')
  await writeFile(draft, `${dataDir}\n`)
  await rename(draft, join(home, 'ORIGIN'))
}

/** The data directory that an external folder belongs to; null if there is no such folder. */
export async function readOrigin(home: string): Promise<string | null> {
  const text = await readFile(join(home, 'ORIGIN'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    },
  )
  return text === null ? null : text.trimEnd()
}

/** Finds external clusters that belong to `dataDir`. */
export async function findExternalClusters(dataDir: string): Promise<string[]> {
  const left: string[] = []
  for (const folder of EXTERNAL_FOLDERS) {
    const homes = (await readdir(folder).catch(() => [])).map((name) => join(folder, name))
    for (const home of homes) {
      if ((await readOrigin(home)) === dataDir) left.push(join(home, 'cluster'))
    }
  }
  return left
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

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function fingerprint(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
