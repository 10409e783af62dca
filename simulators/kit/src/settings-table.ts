import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** A table with one row of settings. */
export const BEHAVIOUR_SETTINGS = raw('behaviour_settings')
/** The same, with secrets. */
export const CALLBACK_SETTINGS = raw('callback_settings')

/** Settings that survive a restart. */
export interface DurableSettings<S> {
  readonly current: S
  /** Stores the settings, then applies them. */
  replace(settings: S): Promise<void>
}

/**
 * Loads the settings of the last `replace`, or uses `fallback` if there was none. `onChange`
 * receives each change once it is stored.
 */
export async function openSettings<S>(
  db: Db,
  table: Sql,
  { fallback, onChange }: { fallback: S; onChange: (settings: S) => void },
): Promise<DurableSettings<S>> {
  const { rows } = await db.query<{ settings: S }>(sql`SELECT settings FROM ${table}`)
  let current = rows[0]?.settings ?? fallback
  // Changes are applied one at a time, so that the settings in force are the last ones stored.
  const changes = createBatcher<S, void>({
    maxBatch: 1,
    process: async (batch) => {
      for (const next of batch) {
        await save(db, table, next)
        current = next
        onChange(next)
      }
      return batch.map(() => undefined)
    },
  })
  return {
    get current() {
      return current
    },
    replace: (next) => changes.submit(next),
  }
}

async function save(db: Db, table: Sql, settings: unknown): Promise<void> {
  await db.query(sql`
    INSERT INTO ${table} (settings) VALUES (${JSON.stringify(settings)}::jsonb)
    ON CONFLICT (only_row) DO UPDATE SET settings = EXCLUDED.settings, changed_at = now()`)
}
