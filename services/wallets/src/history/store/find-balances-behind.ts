import type { Reader } from '@caudal/postgres/types.ts'
import type { Balances, StatementPosition } from '../history.ts'

// What the last entry of each balance left behind, in the order of booking.
const last = (balance: string): string =>
  `(SELECT balance_after_minor FROM entries
    WHERE account_id = $1 AND account_version <= $2::bigint AND balance = '${balance}'
      AND (account_version, line) <= ($2::bigint, $3::smallint)
    ORDER BY account_version DESC, line DESC LIMIT 1)`

const BOOKED = `
  SELECT coalesce(${last('available')}, c.available_minor, 0) AS available_minor,
    CASE WHEN a.kind = 'wallet' THEN coalesce(${last('held')}, c.held_minor, 0)
    ELSE 0 END AS held_minor
  FROM accounts a LEFT JOIN carried_balances c USING (account_id)
  WHERE a.account_id = $1`

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
  const place = [accountId, version, line]
  const booked = await readBalances(db, 'find-balances-behind', BOOKED, place)
  if (otherDay === null) return booked
  const otherPlace = [otherDay.valueDate, otherDay.version, otherDay.line]
  const values = [...place, ...otherPlace, lastVersion]
  const crossing = await readBalances(db, 'sum-crossing', CROSSING, values)
  return {
    availableMinor: booked.availableMinor + crossing.availableMinor,
    heldMinor: booked.heldMinor + crossing.heldMinor,
  }
}

async function readBalances(
  db: Reader,
  name: string,
  text: string,
  values: unknown[],
): Promise<Balances> {
  const { rows } = await db.query<{ available_minor: string; held_minor: string }>({
    name,
    text,
    values,
  })
  return {
    availableMinor: BigInt(rows[0]?.available_minor ?? 0),
    heldMinor: BigInt(rows[0]?.held_minor ?? 0),
  }
}
