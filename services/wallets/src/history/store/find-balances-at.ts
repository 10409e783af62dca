import type { Reader } from '@caudal/postgres/types.ts'
import type { Balances } from '../history.ts'

// Each balance is what the last entry that changed it left behind. Nothing is ever held on an
// account of the system, and no such entry is looked for in its millions.
const FIND = `
  SELECT
    coalesce(
      (SELECT balance_after_minor FROM entries
       WHERE account_id = $1 AND account_version <= $2 AND balance = 'available'
       ORDER BY account_version DESC, line DESC LIMIT 1),
      c.available_minor, 0) AS available_minor,
    CASE WHEN a.kind = 'wallet' THEN coalesce(
      (SELECT balance_after_minor FROM entries
       WHERE account_id = $1 AND account_version <= $2 AND balance = 'held'
       ORDER BY account_version DESC, line DESC LIMIT 1),
      c.held_minor, 0) ELSE 0 END AS held_minor
  FROM accounts a LEFT JOIN carried_balances c USING (account_id)
  WHERE a.account_id = $1`

/** The balances that the account had with a version. */
export async function findBalancesAt(
  db: Reader,
  accountId: string,
  version: number,
): Promise<Balances> {
  const { rows } = await db.query<{ available_minor: string; held_minor: string }>({
    name: 'find-balances-at',
    text: FIND,
    values: [accountId, version],
  })
  const [row] = rows
  return {
    availableMinor: BigInt(row?.available_minor ?? 0),
    heldMinor: BigInt(row?.held_minor ?? 0),
  }
}
