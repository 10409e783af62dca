import type { Reader } from '@caudal/postgres/types.ts'
import type { Balances } from '../history.ts'

/** More than any line of a transfer. */
const LAST_LINE = 32_767

// What the last entry of each balance left behind, in the order of booking.
const last = (balance: string): string =>
  `(SELECT balance_after_minor FROM entries
    WHERE account_id = $1 AND account_version <= $2::bigint AND balance = '${balance}'
      AND (account_version, line) <= ($2::bigint, $3::smallint)
    ORDER BY account_version DESC, line DESC LIMIT 1)`

// Nothing is ever held on an account of the system, and no such entry is looked for among its
// millions of entries.
const FIND = `
  SELECT coalesce(${last('available')}, c.available_minor, 0) AS available_minor,
    CASE WHEN a.kind = 'wallet' THEN coalesce(${last('held')}, c.held_minor, 0)
    ELSE 0 END AS held_minor
  FROM accounts a LEFT JOIN carried_balances c USING (account_id)
  WHERE a.account_id = $1`

/** The balances that the account had with a version, or behind one of the lines of its transfer. */
export async function findBalancesAt(
  db: Reader,
  accountId: string,
  { version, line = LAST_LINE }: { version: number; line?: number },
): Promise<Balances> {
  const { rows } = await db.query<{ available_minor: string; held_minor: string }>({
    name: 'find-balances-at',
    text: FIND,
    values: [accountId, version, line],
  })
  const [row] = rows
  return {
    availableMinor: BigInt(row?.available_minor ?? 0),
    heldMinor: BigInt(row?.held_minor ?? 0),
  }
}
