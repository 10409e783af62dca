import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LocalPostgresError } from './local-postgres-error.ts'

const run = promisify(execFile)
const NAME = 'postgres'

/** Whom the server runs as. */
export interface Account {
  uid: number
  gid: number
}

/** PostgreSQL refuses root, so root needs another account for it; others run it as themselves. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * The system's `postgres` account, made if there is none. Only root may ask.
 *
 * @throws LocalPostgresError NO_POSTGRES_USER
 */
export async function findOrCreateAccount(): Promise<Account> {
  const found = await findAccount()
  if (found !== null) return found
  // useradd is everywhere but on BusyBox systems, whose adduser knows other options.
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
    `PostgreSQL refuses to run as root, and no system user '${NAME}' could be created for it ` +
      `(${reasonOf(failure)}): create that user, or run this command as an ordinary user.`,
    failure,
  )
}

async function findAccount(): Promise<Account | null> {
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

/** sbin holds useradd, and not every root shell has it in its PATH. */
function searchPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the account did not appear'
  if ('code' in error && error.code === 'ENOENT') return 'useradd is missing'
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : ''
  return stderr.split('\n').at(-1) || 'useradd failed'
}
