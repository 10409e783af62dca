import type { Reader } from '@caudal/postgres/types.ts'
import type { Balances, StatementPosition } from '../history.ts'
import { findBalancesAt } from './find-balances-at.ts'

// The entries of another day that lie on different sides of the position in the two orders: before
// it by value date and behind it by booking, and the reverse. Few do, because the pages of a
// statement keep the places in both orders near each other.
const CROSSING = `
  SELECT coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available_minor,
    coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held_minor
  FROM (
    SELECT balance, amount_minor FROM entries
    WHERE account_id = $1 AND value_date <= $4::date AND account_version >= $2::bigint
      AND account_version <= $7::bigint
      AND (value_date, account_version, line) <= ($4::date, $5::bigint, $6::smallint)
      AND (account_version, line) > ($2::bigint, $3::smallint)
    UNION ALL
    SELECT balance, -amount_minor FROM entries
    WHERE account_id = $1 AND value_date >= $4::date AND account_version <= $2::bigint
      AND (value_date, account_version, line) > ($4::date, $5::bigint, $6::smallint)
      AND (account_version, line) <= ($2::bigint, $3::smallint)
  ) crossing`

/** The balances of an account behind a position of its statement, as the statement orders them. */
export async function findBalancesBehind(
  db: Reader,
  accountId: string,
  { version, line, otherDay, lastVersion }: StatementPosition,
): Promise<Balances> {
  const booked = await findBalancesAt(db, accountId, { version, line })
  if (otherDay === null) return booked
  const place = [accountId, version, line]
  const otherPlace = [otherDay.valueDate, otherDay.version, otherDay.line]
  const { rows } = await db.query<{ available_minor: string; held_minor: string }>({
    name: 'sum-crossing',
    text: CROSSING,
    values: [...place, ...otherPlace, lastVersion],
  })
  const crossing = rows[0]!
  return {
    availableMinor: booked.availableMinor + BigInt(crossing.available_minor),
    heldMinor: booked.heldMinor + BigInt(crossing.held_minor),
  }
}
