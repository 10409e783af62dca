import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LocalPostgresError } from './local-postgres-error.ts'

const run = promisify(execFile)
const NAME = 'postgres'

/** The system account that the server runs as. */
export interface OsAccount {
  uid: number
  gid: number
}

/** PostgreSQL does not run as root, so root needs another account for it. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * Finds the system account `postgres` or creates it. Only root may call this.
 *
 * @throws LocalPostgresError NO_POSTGRES_USER
 */
export async function findOrCreateAccount(): Promise<OsAccount> {
  const found = await findAccount()
  if (found !== null) return found
  // BusyBox systems have no useradd, and their adduser has other options.
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', NAME]],
    ['adduser', ['-S', '-D', '-H', '-s', '/bin/false', NAME]],
  ]
  let failure: unknown
  for (const [command, args] of attempts) {
    try {
      await run(command, args, { env: { PATH: searchPath() } })
      const created = await findAccount()
      if (created !== null) return created
    } catch (error) {
      failure ??= error
    }
  }
  throw new LocalPostgresError(
    'NO_POSTGRES_USER',
    `PostgreSQL does not run as root, and the system user '${NAME}' could not be created ` +
      `(${reasonOf(failure)}). Create that user, or run this command as an ordinary user.`,
    failure,
  )
}

async function findAccount(): Promise<OsAccount | null> {
  try {
    const ids = await Promise.all(
      ['-u', '-g'].map(async (flag) => run('id', [flag, NAME], { env: { PATH: searchPath() } })),
    )
    const [uid, gid] = ids.map(({ stdout }) => Number.parseInt(stdout, 10))
    return uid !== undefined && gid !== undefined && uid > 0 ? { uid, gid } : null
  } catch {
    return null
  }
}

/** useradd is in sbin, which is missing from the PATH of some root shells. */
function searchPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the account did not appear'
  if ('code' in error && error.code === 'ENOENT') return 'useradd is missing'
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : ''
  return stderr.split('\n').at(-1) || 'useradd failed'
}
