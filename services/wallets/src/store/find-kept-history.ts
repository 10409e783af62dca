import type { Db } from '@caudal/postgres/types.ts'
import type { KeptHistory } from '../domain/history.ts'

/** Where the history begins that is still in the books; null while no month has been detached. */
export async function findKeptHistory(db: Db): Promise<KeptHistory | null> {
  const { rows } = await db.query<{ kept_from: Date | null; value_day: string | null }>({
    name: 'find-kept-history',
    text: `SELECT max(kept_from) AS kept_from, max(value_dates_to)::text AS value_day
           FROM detached_months`,
  })
  const { kept_from: from, value_day: valueDay } = rows[0]!
  return from === null || valueDay === null ? null : { from, valueDay }
}
