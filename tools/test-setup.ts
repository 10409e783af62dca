import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalPostgresError } from '@caudal/local-postgres/local-postgres-error.ts'
import type { LocalPostgresLogger } from '@caudal/local-postgres/postmaster.ts'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import {
  type LocalPostgres,
  startLocalPostgres,
} from '@caudal/local-postgres/start-local-postgres.ts'

const PREFIX = 'caudal-test-'
const ABANDONED_MS = 600_000
const PASSING = new Set(['DATA_DIR_IN_USE', 'DATA_DIR_UNUSABLE', 'PERMISSION_DENIED'])

const logger: LocalPostgresLogger = {
  info: () => undefined,
  warn: (fields, message) => console.error(message, fields),
  error: (fields, message) => console.error(message, fields),
}

let folder: string | undefined
let starting: Promise<LocalPostgres> | undefined

/**
 * Starts the PostgreSQL that all test files share and names it in the environment, which they
 * inherit. A server that is named there already is used as it is.
 */
export async function globalSetup(): Promise<void> {
  if (process.env['CAUDAL_TEST_ADMIN_URL'] !== undefined) return
  await removeAbandoned()
  folder = await mkdtemp(join(tmpdir(), PREFIX))
  // PostgreSQL's own user, if we are root, must be able to pass through.
  await chmod(folder, 0o711)
  starting = startLocalPostgres({
    dataDir: join(folder, 'postgres'),
    throwaway: true,
    settings: {
      max_connections: '300',
      shared_buffers: '128MB',
      // Generated passwords gain nothing from stretching, and tests connect thousands of times.
      scram_iterations: '1',
      log_checkpoints: 'off',
    },
    logger,
  })
  const server = await starting
  process.env['CAUDAL_TEST_ADMIN_URL'] = server.adminUrl
  process.env['CAUDAL_TEST_OWNER_URL'] = server.ownerUrl
  process.env['CAUDAL_TEST_APP_URL'] = server.appUrl
}

/** Stops the server of `globalSetup`. */
export async function globalTeardown(): Promise<void> {
  // Ctrl-C may come while the server is still starting.
  const server = await starting?.catch(() => undefined)
  await server?.stop()
  if (folder !== undefined) await removeFolder(folder)
}

/** What runs left behind that were killed; their servers may even be alive. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue
    const path = join(tmpdir(), name)
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (age > ABANDONED_MS) await removeFolder(path).catch(ignoreForeign)
  }
}

async function removeFolder(path: string): Promise<void> {
  await removeLocalPostgres({ dataDir: join(path, 'postgres'), logger })
  await rm(path, { recursive: true, force: true })
}

/** A long run that is still going on, another user's, or one that another run is removing. */
function ignoreForeign(error: unknown): void {
  if (!(error instanceof LocalPostgresError) || !PASSING.has(error.code)) throw error
}
