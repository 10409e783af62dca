import { clientConfig } from '@caudal/postgres/client-config.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import pg from 'pg'
import { UsageError } from '../errors.ts'
import { note } from '../output.ts'
import { type StopSignals, watchStopSignals } from '../stop-signals.ts'
import { emptyDatabase, isEmpty } from './empty-database.ts'

const SYSTEM = new Set(['postgres', 'template0', 'template1'])
/** With the name of the target, the advisory lock that a rebuild holds. */
const REBUILD_LOCK = 7_283_902
/** In the target while it is incomplete: how it was before, for whoever cleans up. */
const MARK = 'public.caudal_rebuild_in_progress'
/** Statements that give the schema the privileges that it had before the rebuild. */
const RESTORE_PRIVILEGES = `
  SELECT format('REVOKE ALL ON SCHEMA public FROM %s', grantee) AS statement
    FROM (SELECT DISTINCT CASE p.grantee WHEN 0 THEN 'PUBLIC'
                          ELSE p.grantee::regrole::text END AS grantee
            FROM pg_namespace n, aclexplode(n.nspacl) p
           WHERE n.nspname = 'public' AND p.grantee <> n.nspowner) now
  UNION ALL
  SELECT format('GRANT %s ON SCHEMA public TO %s', p.privilege_type,
           CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE p.grantee::regrole::text END)
    FROM pg_namespace n, ${MARK} m, aclexplode(m.privileges) p
   WHERE n.nspname = 'public' AND p.grantee <> n.nspowner`

/** Whether `rebuild` may use the database name at all. */
export function refuseTarget(database: string, services: readonly string[]): void {
  const live = services.map((name) => `caudal_${name.replaceAll('-', '_')}`)
  if (!SYSTEM.has(database) && ![...live, 'caudal_log'].includes(database)) return
  throw new UsageError(`--into: ${database} belongs to the system; name a new database`)
}

/** The database to fill; `made` by the rebuild, or empty before. */
type Target = { url: string; database: string; made: boolean }

/**
 * Makes the database (a name of letters, digits and underscores) and runs `work`. If that fails, or
 * a signal ends the process, it drops the database again. An existing database is used if it is
 * provably empty, and emptied again; or if it has the mark of a rebuild that was killed, whose rest
 * is removed first. Two rebuilds never use one database at once.
 *
 * @throws {UsageError} if the database exists and is not empty, or another rebuild uses it
 */
export async function withTarget<T>(
  { url, database }: { url: string; database: string },
  work: () => Promise<T>,
  isComplete: (result: T) => boolean,
): Promise<T> {
  const server = await connect(databaseUrl(url, 'postgres'))
  const signals = watchStopSignals()
  const interrupted = interruption(signals)
  interrupted.catch(() => {})
  try {
    await lock(server, database)
    const target = await prepare(server, url, database)
    let complete = false
    try {
      const result = await Promise.race([work(), interrupted])
      complete = isComplete(result)
      if (complete) await on(url, (client) => client.query(`DROP TABLE ${MARK}`))
      return result
    } finally {
      if (!complete) await cleanUp(server, target).catch((error) => explain(error, database))
    }
  } finally {
    // The session's locks end with it.
    await server.end()
    signals.release()
  }
}

/** The fault that ended the rebuild matters more, so this one is only noted. */
function explain(error: unknown, database: string): void {
  const why = error instanceof Error ? error.message : String(error)
  note(`caudal: could not clean up ${database}, which the next rebuild into it will do: ${why}`)
}

async function lock(server: pg.Client, database: string): Promise<void> {
  const text = 'SELECT pg_try_advisory_lock($1, hashtext($2)) AS locked'
  const { rows } = await server.query<{ locked: boolean }>(text, [REBUILD_LOCK, database])
  if (rows[0]!.locked) return
  throw new UsageError(`--into: another rebuild is filling ${database}; wait for it`)
}

async function prepare(server: pg.Client, url: string, database: string): Promise<Target> {
  const found = await server.query('SELECT FROM pg_database WHERE datname = $1', [database])
  let made = found.rowCount === 0
  if (!made) {
    const rest = await on(url, restOf)
    if (rest === 'none') await on(url, (client) => provesEmpty(client, database))
    else {
      note(`caudal: removing what a rebuild that was interrupted left in ${database}`)
      made = rest === 'of a database that it made'
      await cleanUp(server, { url, database, made })
    }
  }
  if (made) await server.query(`CREATE DATABASE "${database}"`)
  await on(url, (client) =>
    client.query(
      `CREATE TABLE ${MARK} AS
         SELECT ${made} AS made, coalesce(nspacl, acldefault('n', nspowner)) AS privileges
           FROM pg_namespace WHERE nspname = 'public'`,
    ),
  )
  return { url, database, made }
}

async function restOf(client: pg.Client) {
  const { rows } = await client.query<{ found: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    [MARK],
  )
  if (!rows[0]!.found) return 'none'
  const { made } = (await client.query<{ made: boolean }>(`SELECT made FROM ${MARK}`)).rows[0]!
  return made ? 'of a database that it made' : 'of an empty database'
}

async function provesEmpty(client: pg.Client, database: string): Promise<void> {
  if (await isEmpty(client)) return
  throw new UsageError(`--into: ${database} exists and is not empty; name a new database`)
}

/** Ends the sessions that still fill the target, and puts it back to how it was. */
async function cleanUp(server: pg.Client, { url, database, made }: Target): Promise<void> {
  if (made) {
    await server.query(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`)
    return
  }
  await server.query(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = $1 AND usename = current_user`,
    [database],
  )
  await on(url, async (client) => {
    const { rows } = await client.query<{ statement: string }>(RESTORE_PRIVILEGES)
    await emptyDatabase(client)
    for (const { statement } of rows) await client.query(statement)
  })
}

/** Rejects at a signal, so that the target is cleaned up. */
async function interruption(signals: StopSignals): Promise<never> {
  const signal = await signals.first
  note('caudal: cleaning up')
  throw new Error(`interrupted by ${signal}`)
}

async function on<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(url)
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Connects. If the server dies, the statement in progress fails, so error events are ignored. */
async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(url, { applicationName: 'caudal-rebuild' }))
  client.on('error', () => {})
  await client.connect()
  return client
}
