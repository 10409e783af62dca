import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { clientConfig } from './client-config.ts'
import { databaseUrl } from './database-url.ts'
import { isRetryableConflict } from './errors.ts'
import {
  createServiceRoles,
  type DatabaseAccess,
  grantAccess,
  priorRoles,
  withdrawAccess,
} from './grant-access.ts'
import { sqlFiles } from './migration-files.ts'

/** A folder of numbered .sql files. The table `migrations_<name>` records the applied files. */
export type MigrationSet = {
  name: string
  dir: string
  /** Tables that hold secrets: operators' commands may not read them. */
  secretTables?: readonly string[]
  /** Runs after each migration, as the owner and repeatably: rights that SQL files cannot name. */
  finish?: (owner: pg.ClientBase, access: DatabaseAccess) => Promise<void>
}

/** What to migrate, and as which role. */
export type MigrateOptions = {
  /** Server URL of the role that owns and migrates the databases. */
  adminUrl: string
  database: string
  sets: readonly MigrationSet[]
  /**
   * The roles that services connect as; by default the role of `adminUrl`. Each may connect and has
   * what the migrations grant to `caudal_app`, which stands for them (ADR 0030).
   */
  roles?: readonly string[]
  /** The role of operators' commands: it reads all tables that hold no secrets. */
  operator?: string
  /** Roles that lose all rights in the database. */
  withdraw?: readonly string[]
}

/** SQLSTATEs if another process created the same database at the same time. */
const DUPLICATE_DATABASE = new Set(['42P04', '23505'])
/** The advisory lock that makes processes migrate one at a time. */
const MIGRATION_LOCK = 7_283_901
const LOCK_POLL_MS = 50
/**
 * How long a migration waits for a table's lock. Statements that arrive meanwhile queue behind it.
 * Less than `deadlock_timeout` (1 s), so in a deadlock the migration fails, not a batch.
 */
const LOCK_TIMEOUT_MS = 500
const ATTEMPTS_AT_MOST = 60
const BACKOFF = { baseMs: 100, mostMs: 3_000 }
const quiet = () => {}

/**
 * Creates the database if it does not exist and applies the missing migrations of every set, each
 * file in a transaction of its own. A file that does not get a lock in time, because batches hold
 * it, is rolled back and tried again after a pause in which they go on.
 *
 * @throws {Error} of the file that fails; those before it stay applied
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { adminUrl, database } = options
  await createDatabase(adminUrl, database)
  const client = await connect(databaseUrl(adminUrl, database))
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await applyAlone(client, options)
      } catch (error) {
        if (!isRetryableConflict(error) || attempt === ATTEMPTS_AT_MOST) throw error
        await delay(backoffMs(BACKOFF, attempt, Math.random()))
      }
    }
  } finally {
    await client.end()
  }
}

// A statement that waits for an advisory lock keeps its snapshot, and CREATE INDEX CONCURRENTLY
// waits for every older snapshot: so a process that waits for its turn asks again and again. The
// lock is released between attempts, for a process of release 0.1.0, which waits in a statement.
async function applyAlone(client: pg.Client, options: MigrateOptions): Promise<void> {
  while (!(await isLocked(client))) await delay(LOCK_POLL_MS)
  try {
    await applyMissing(client, options)
  } catch (error) {
    await client.query('ROLLBACK').catch(quiet)
    throw error
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(quiet)
  }
}

async function isLocked(client: pg.Client): Promise<boolean> {
  const text = 'SELECT pg_try_advisory_lock($1) AS locked'
  const { rows } = await client.query<{ locked: boolean }>(text, [MIGRATION_LOCK])
  return rows[0]!.locked
}

async function applyMissing(
  client: pg.Client,
  { adminUrl, sets, roles = [userOf(adminUrl)], operator, withdraw = [] }: MigrateOptions,
): Promise<void> {
  await createServiceRoles(client)
  const access: DatabaseAccess = {
    roles,
    operator,
    prior: await priorRoles(client, [...roles, operator]),
  }
  const reach = [...roles, ...access.prior, ...(operator === undefined ? [] : [operator])]
  await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC')
  await client.query(`GRANT USAGE ON SCHEMA public TO ${identifiers(reach)}`)
  for (const set of sets) {
    await runner({
      dbClient: client,
      dir: set.dir,
      direction: 'up',
      migrationsTable: `migrations_${set.name}`,
      singleTransaction: false,
      noLock: true,
      migrationLoaderStrategies: [sqlFiles(LOCK_TIMEOUT_MS, identifiers(roles))],
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    })
  }
  const secretTables = sets.flatMap((set) => set.secretTables ?? [])
  await grantAccess(client, access, { sets: sets.map(({ name }) => name), secretTables })
  for (const { finish } of sets) await finish?.(client, access)
  await withdrawAccess(client, withdraw)
}

function userOf(url: string): string {
  return decodeURIComponent(new URL(url).username)
}

function identifiers(roles: readonly string[]): string {
  return roles.map((role) => pg.escapeIdentifier(role)).join(', ')
}

async function createDatabase(adminUrl: string, database: string): Promise<void> {
  const client = await connect(databaseUrl(adminUrl, 'postgres'))
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`)
  } catch (error) {
    if (!DUPLICATE_DATABASE.has((error as { code?: string }).code ?? '')) throw error
  } finally {
    await client.end()
  }
}

/** Connects. If the server dies, the statement in progress fails, so error events are ignored. */
async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(url, { applicationName: 'caudal-migrate' }))
  client.on('error', quiet)
  await client.connect()
  return client
}
