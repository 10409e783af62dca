import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** How many payments are due to be sent, counted up to `most`. */
export async function countWaiting(db: Db, most: number): Promise<number> {
  const statement = sql`
    SELECT count(*)::int AS count FROM (
      SELECT FROM payments WHERE step = 'send' AND due_at <= statement_timestamp() LIMIT ${most}
    ) AS waiting`
  const { rows } = await db.query<{ count: number }>(named('count-waiting', statement))
  return rows[0]?.count ?? 0
}
