import type { Reader } from '@caudal/postgres/types.ts'
import type { AccountHistory, KeptHistory } from '../history.ts'

/** Where the history begins that is still in the books; null while no month has been detached. */
export async function findKeptHistory(db: Reader): Promise<KeptHistory | null> {
  const found = await find(db, null)
  return found && { from: found.from, valueDay: found.valueDay }
}

/**
 * The same for an account: its statements by value date begin behind the last one that it has in
 * the detached months.
 */
export function findAccountHistory(db: Reader, accountId: string): Promise<AccountHistory | null> {
  return find(db, accountId)
}

async function find(db: Reader, accountId: string | null): Promise<AccountHistory | null> {
  const { rows } = await db.query<{
    kept_from: Date | null
    value_day: string | null
    version: bigint
  }>({
    name: 'find-kept-history',
    text: `SELECT max(kept_from) AS kept_from, greatest(max(value_dates_to), (
             SELECT max(value_date) FROM carried_value_dates WHERE account_id = $1
           ))::text AS value_day, coalesce((
             SELECT account_version FROM carried_balances WHERE account_id = $1
           ), 0) AS version
           FROM detached_months`,
    values: [accountId],
  })
  const { kept_from: from, value_day: valueDay, version } = rows[0]!
  if (from === null || valueDay === null) return null
  return { from, valueDay, version: Number(version) }
}
