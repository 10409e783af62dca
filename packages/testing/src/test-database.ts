import { randomBytes } from 'node:crypto'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import pg from 'pg'
import { eventually } from './eventually.ts'
import { templateDatabase } from './template-database.ts'
import { testServer } from './test-server.ts'

/** A test's context, or `suiteScope()` for a whole suite. */
export interface TestScope {
  after(hook: () => void | Promise<void>): void
}

/** How to create a test database. */
export interface TestDatabaseOptions {
  sets: readonly MigrationSet[]
  /** Part of the database's name: lower-case letters, digits and underscores. */
  name?: string
  /** How long the last connections may take to close at the end of the scope; 15 s by default. */
  disconnectTimeoutMs?: number
}

/** A test's database. */
export interface TestDatabase {
  name: string
  /** For the runtime role `caudal_app`. */
  url: string
  /** For `caudal_owner`, which owns the tables. */
  ownerUrl: string
  /** For a superuser, to write rows that no service could write. */
  adminUrl: string
  /** Connections as `caudal_app`. */
  pool: Db
}

const MAX_CONNECTIONS = 10
/** A busy server is slow to end the backends of closed pools. */
const DISCONNECT_TIMEOUT_MS = 15_000

/**
 * Creates a migrated database for one test, cloned from a template. It is dropped when the scope
 * ends, after all other hooks. The test fails if a connection was left open.
 */
export async function testDatabase(
  scope: TestScope,
  { sets, name: label = 'db', disconnectTimeoutMs = DISCONNECT_TIMEOUT_MS }: TestDatabaseOptions,
): Promise<TestDatabase> {
  const server = testServer()
  const name = `test_${label}_${randomBytes(6).toString('hex')}`
  await asAdmin(server.adminUrl, async (admin) => {
    const template = await templateDatabase(server, admin, sets)
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER caudal_owner`)
  })
  const url = databaseUrl(server.appUrl, name)
  const pool = createPool({ url, applicationName: 'test', max: MAX_CONNECTIONS })
  // Hooks run in the order they were added. A hook that is added by a hook runs after all others,
  // such as those that stop the services that use this database.
  scope.after(() =>
    scope.after(() => dropDatabase(server.adminUrl, name, pool, disconnectTimeoutMs)),
  )
  return {
    name,
    url,
    ownerUrl: databaseUrl(server.ownerUrl, name),
    adminUrl: databaseUrl(server.adminUrl, name),
    pool,
  }
}

async function dropDatabase(
  adminUrl: string,
  name: string,
  pool: Db,
  disconnectTimeoutMs: number,
): Promise<void> {
  const checkedOut = pool.totalCount - pool.idleCount
  // A pool with a checked-out client does not end; DROP DATABASE below closes that connection.
  const ended = pool.ended ? Promise.resolve() : pool.end()
  if (checkedOut === 0) await ended
  await asAdmin(adminUrl, async (admin) => {
    try {
      await eventually(async () => (await connectionsOf(admin, name)).length === 0, {
        timeoutMs: disconnectTimeoutMs,
      })
    } catch (cause) {
      const who = (await connectionsOf(admin, name)).join(', ')
      throw new Error(`Connections to ${name} were left open: ${who}`, { cause })
    } finally {
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    }
  })
}

async function connectionsOf(admin: pg.Client, name: string): Promise<string[]> {
  const { rows } = await admin.query<{ who: string }>(
    `SELECT format('%s (%s: %s)', application_name, state, left(query, 60)) AS who
       FROM pg_stat_activity
      WHERE datname = $1 AND backend_type = 'client backend'`,
    [name],
  )
  return rows.map(({ who }) => who)
}

async function asAdmin<T>(adminUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl, application_name: 'test-admin' })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}
