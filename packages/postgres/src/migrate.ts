import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { databaseUrl } from './database-url.ts'

/** A folder of numbered .sql files. The table `migrations_<name>` records the applied files. */
export type MigrationSet = { name: string; dir: string }

/** What to migrate, and as which role. */
export type MigrateOptions = {
  /** Server URL of the role that owns and migrates the databases. */
  adminUrl: string
  database: string
  sets: readonly MigrationSet[]
  /** The role that the service runs as. It may connect and has what each migration grants. */
  appRole?: string
}

/** SQLSTATEs if another process created the same database at the same time. */
const DUPLICATE_DATABASE = new Set(['42P04', '23505'])
/** The advisory lock that makes processes migrate one at a time. */
const MIGRATION_LOCK = 7_283_901
const quiet = () => {}

/** Creates the database if it does not exist and applies the missing migrations of every set. */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { adminUrl, database, sets, appRole = 'caudal_app' } = options
  await createDatabase(adminUrl, database)
  const client = await connect(databaseUrl(adminUrl, database))
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC')
    await client.query(`GRANT USAGE ON SCHEMA public TO ${pg.escapeIdentifier(appRole)}`)
    for (const set of sets) {
      await runner({
        dbClient: client,
        dir: set.dir,
        direction: 'up',
        migrationsTable: `migrations_${set.name}`,
        singleTransaction: true,
        advisoryLockMode: 'wait',
        logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      })
    }
  } finally {
    await client.end()
  }
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
  const client = new pg.Client({ connectionString: url })
  client.on('error', quiet)
  await client.connect()
  return client
}
