import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { databaseUrl } from './database-url.ts'

/** A folder of numbered .sql files; each set keeps a table of what it has applied. */
export type MigrationSet = { name: string; dir: string }

export type MigrateOptions = {
  /** Server URL of the role that owns and migrates the databases. */
  adminUrl: string
  database: string
  sets: readonly MigrationSet[]
  /** The role that the service runs as: it may connect, and gets what each migration grants. */
  appRole?: string
}

/** What PostgreSQL says to the slower of two processes that create the same database. */
const DUPLICATE_DATABASE = new Set(['42P04', '23505'])
/** Processes that start together migrate one after the other. */
const MIGRATION_LOCK = 7_283_901
const quiet = () => {}

/** Creates the database if it is absent and brings every set up to date (forward only, F12). */
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

/** A server that dies fails the statement that is under way, which is enough said. */
async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', quiet)
  await client.connect()
  return client
}
