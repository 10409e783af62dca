import { createPool } from '@caudal/postgres/create-pool.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import { UsageError } from '../errors.ts'

const SYSTEM = new Set(['postgres', 'template0', 'template1'])
const DUPLICATE_DATABASE = '42P04'
/** An object that is not part of PostgreSQL or of an extension. */
const FOREIGN = `
  SELECT FROM pg_class WHERE oid >= 16384 AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')
  UNION ALL
  SELECT FROM pg_proc WHERE oid >= 16384 AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')
  UNION ALL
  SELECT FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
  UNION ALL
  SELECT FROM pg_largeobject_metadata
  LIMIT 1`

/** Whether `rebuild` may use the database name at all. */
export function refuseTarget(database: string, services: readonly string[]): void {
  const live = services.map((name) => `caudal_${name.replaceAll('-', '_')}`)
  if (!SYSTEM.has(database) && ![...live, 'caudal_log'].includes(database)) return
  throw new UsageError(`--into: ${database} belongs to the system; name a new database`)
}

/**
 * Makes the database (a name of letters, digits and underscores) and runs `work`; if that fails,
 * drops it again. An existing database is used only if it is provably empty, and then keeps what a
 * failure left in it.
 *
 * @throws {UsageError} if the database exists and is not empty
 */
export async function withTarget<T>(
  { url, database }: { url: string; database: string },
  work: () => Promise<T>,
  isComplete: (result: T) => boolean,
): Promise<T> {
  const made = await create(url, database)
  if (!made) await provesEmpty(url, database)
  let complete = false
  try {
    const result = await work()
    complete = isComplete(result)
    return result
  } finally {
    if (made && !complete) await execute(url, `DROP DATABASE "${database}"`)
  }
}

async function create(url: string, database: string): Promise<boolean> {
  try {
    await execute(url, `CREATE DATABASE "${database}"`)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === DUPLICATE_DATABASE) return false
    throw error
  }
}

async function provesEmpty(url: string, database: string): Promise<void> {
  if ((await query(url, FOREIGN)) === 0) return
  throw new UsageError(`--into: ${database} exists and is not empty; name a new database`)
}

async function execute(url: string, statement: string): Promise<void> {
  await query(databaseUrl(url, 'postgres'), statement)
}

async function query(url: string, text: string): Promise<number> {
  const pool = createPool({ url, applicationName: 'caudal-rebuild', max: 1 })
  try {
    return (await pool.query(text)).rows.length
  } finally {
    await pool.end()
  }
}
