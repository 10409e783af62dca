import type { Db } from '@caudal/postgres/types.ts'

const KEYS_AT_ONCE = 5_000

/**
 * Forgets idempotency keys that are older than so many days, in batches; returns how many are gone.
 * The database keeps those of the last 30 days, whatever is asked.
 */
export async function dropOldKeys(db: Db, keepDays: number): Promise<number> {
  let total = 0
  for (;;) {
    const { rows } = await db.query<{ dropped: number }>(
      'SELECT drop_old_idempotency_keys($1, $2) AS dropped',
      [keepDays, KEYS_AT_ONCE],
    )
    const { dropped } = rows[0]!
    total += dropped
    if (dropped < KEYS_AT_ONCE) return total
  }
}
