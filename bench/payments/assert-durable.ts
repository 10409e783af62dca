import type { Db } from '@caudal/postgres/types.ts'

const SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit']

/**
 * Asserts that the database is durable, since figures without durability are not valid (rule 15).
 *
 * @throws {Error} if a setting is off
 */
export async function assertDurable(db: Db): Promise<void> {
  const { rows } = await db.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])',
    [SETTINGS],
  )
  const off = rows.find(({ setting }) => setting !== 'on')
  if (off || rows.length !== SETTINGS.length) throw new Error(`${off?.name} is ${off?.setting}`)
}
