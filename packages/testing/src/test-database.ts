import { randomBytes } from 'node:crypto'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import pg from 'pg'
import { eventually } from './eventually.ts'
import { templateDatabase } from './template-database.ts'
import { testServer } from './test-server.ts'

/** A test's context, or `suiteScope()` for what a whole suite shares. */
export interface Scope {
  after(hook: () => void | Promise<void>): void
}

export interface TestDatabaseOptions {
  sets: readonly MigrationSet[]
  /** Lower-case letters, digits and underscores; shows up in the database's name. */
  name?: string
  /** How long the last connections may take to leave at the end of the scope; 15 s by default. */
  leaveMs?: number
}

export interface TestDatabase {
  name: string
  /** As the runtime role `caudal_app`. */
  url: string
  /** As `caudal_owner`, to whom the tables belong. */
  ownerUrl: string
  /** As a superuser: for planting what no service could write. */
  adminUrl: string
  /** As `caudal_app`. */
  pool: Db
}

const MAX_CONNECTIONS = 10
/** A busy server is slow to end the backends of pools that have ended. */
const LEAVE_MS = 15_000

/**
 * A migrated database of the test's own, cloned from a template. When the scope ends, after every
 * hook that the test registered, it is dropped, and the test fails if somebody is still connected.
 */
export async function testDatabase(
  scope: Scope,
  { sets, name: label = 'db', leaveMs = LEAVE_MS }: TestDatabaseOptions,
): Promise<TestDatabase> {
  const server = testServer()
  const name = `test_${label}_${randomBytes(6).toString('hex')}`
  await asAdmin(server.adminUrl, async (admin) => {
    const template = await templateDatabase(server, admin, sets)
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER caudal_owner`)
  })
  const url = databaseUrl(server.appUrl, name)
  const pool = createPool({ url, applicationName: 'test', max: MAX_CONNECTIONS })
  // Hooks run first come, first served: one that is added by a hook runs behind all others, such
  // as those that stop the services which use this database.
  scope.after(() => scope.after(() => dropDatabase(server.adminUrl, name, pool, leaveMs)))
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
  leaveMs: number,
): Promise<void> {
  const checkedOut = pool.totalCount - pool.idleCount
  // A pool with a client that never comes back does not end; the server cuts that one off below.
  const ended = pool.ended ? Promise.resolve() : pool.end()
  if (checkedOut === 0) await ended
  await asAdmin(adminUrl, async (admin) => {
    try {
      await eventually(async () => (await connectionsOf(admin, name)).length === 0, {
        timeoutMs: leaveMs,
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
