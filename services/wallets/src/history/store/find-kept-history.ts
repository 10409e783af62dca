import type { Reader } from '@caudal/postgres/types.ts'
import type { KeptHistory } from '../history.ts'

/**
 * Where the history begins that is still in the books; null while no month has been detached. With
 * an account its statements by value date begin behind the last one that it has in those months.
 */
export async function findKeptHistory(
  db: Reader,
  accountId: string | null = null,
): Promise<KeptHistory | null> {
  const { rows } = await db.query<{ kept_from: Date | null; value_day: string | null }>({
    name: 'find-kept-history',
    text: `SELECT max(kept_from) AS kept_from, greatest(max(value_dates_to), (
             SELECT max(value_date) FROM carried_value_dates WHERE account_id = $1
           ))::text AS value_day
           FROM detached_months`,
    values: [accountId],
  })
  const { kept_from: from, value_day: valueDay } = rows[0]!
  return from === null || valueDay === null ? null : { from, valueDay }
}
