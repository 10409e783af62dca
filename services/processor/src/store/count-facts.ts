import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** How many facts wait to be applied, and how many callbacks wait for an operator. */
export async function countFacts(db: Db): Promise<{ waiting: number; parked: number }> {
  const statement = sql`
    SELECT (SELECT count(*)::int FROM callback_facts WHERE state = 'RECEIVED') AS waiting,
      (SELECT count(*)::int FROM callbacks WHERE state = 'PARKED') AS parked`
  const { rows } = await db.query<{ waiting: number; parked: number }>(
    named('count-facts', statement),
  )
  return rows[0] ?? { waiting: 0, parked: 0 }
}
