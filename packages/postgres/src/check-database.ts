import { readdir } from 'node:fs/promises'
import pg from 'pg'
import type { MigrationSet } from './migrate.ts'
import type { Db } from './types.ts'

/** What a service needs of its database before it starts. */
export type DatabaseNeeds = {
  sets: readonly MigrationSet[]
  /** Refuses a role that owns the tables or is a superuser; otherwise `warn` gets a sentence. */
  refuseOwner: boolean
  warn: (sentence: string) => void
}

/** PostgreSQL's invalid_catalog_name, undefined_table and insufficient_privilege. */
const NOT_MIGRATED = new Set(['3D000', '42P01', '42501'])
const SQL_FILE = /\.sql$/

/**
 * Checks that the database has every migration of this release, and that the role is not the one
 * that owns the tables.
 *
 * @throws {Error} with a message that states what to do
 */
export async function checkDatabase(db: Db, needs: DatabaseNeeds): Promise<void> {
  const missing = await findMissing(db, needs.sets)
  if (missing !== undefined) {
    throw new Error(
      `the database of this service lacks the migration ${missing}. Run "caudal migrate" with ` +
        'CAUDAL_MIGRATION_DATABASE_URL, then start the service.',
    )
  }
  const owner = await findOwner(db)
  if (owner === undefined) return
  const sentence =
    `the role ${owner} may change everything in the database. Connect as a role of the service: ` +
    '"caudal migrate --roles" prints them.'
  if (needs.refuseOwner) throw new Error(sentence)
  needs.warn(sentence)
}

async function findMissing(db: Db, sets: readonly MigrationSet[]): Promise<string | undefined> {
  for (const { name, dir } of sets) {
    const files = (await readdir(dir)).filter((file) => SQL_FILE.test(file)).toSorted()
    const applied = await appliedOf(db, name)
    const missing = files.find((file) => !applied.has(file.replace(SQL_FILE, '')))
    if (missing !== undefined) return `${name}/${missing}`
  }
  return undefined
}

async function appliedOf(db: Db, name: string): Promise<Set<string>> {
  try {
    const table = pg.escapeIdentifier(`migrations_${name}`)
    const { rows } = await db.query<{ name: string }>(`SELECT name FROM ${table}`)
    return new Set(rows.map((row) => row.name))
  } catch (error) {
    if (NOT_MIGRATED.has(String((error as { code?: unknown }).code))) return new Set()
    throw error
  }
}

/** The connected role, if it is a superuser or has the rights of the database's owner. */
async function findOwner(db: Db): Promise<string | undefined> {
  const { rows } = await db.query<{ role: string }>(
    `SELECT current_user AS role FROM pg_database d JOIN pg_roles r ON r.rolname = current_user
     WHERE d.datname = current_database() AND (r.rolsuper OR pg_has_role(d.datdba, 'USAGE'))`,
  )
  return rows[0]?.role
}
