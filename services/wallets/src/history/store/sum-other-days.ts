import type { Reader } from '@caudal/postgres/types.ts'
import type { Balances } from '../history.ts'

// The two ways in which value date and booking can lie on different sides of the end of a day, and
// the second of them for detached months. The version at its end is as exact as the time: with it
// the index goes from day to day, and on each only to entries that count.
const SUM = `
  SELECT coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available_minor,
    coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held_minor
  FROM (
    SELECT balance, amount_minor FROM entries
    WHERE account_id = $1 AND value_date <= $2::date AND account_version > $3
      AND booked_at >= ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT balance, -amount_minor FROM entries
    WHERE account_id = $1 AND value_date > $2::date AND account_version <= $3
      AND booked_at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT b.balance, -b.minor FROM carried_value_dates c
    CROSS JOIN LATERAL (VALUES ('available'::balance_name, c.available_minor),
      ('held', c.held_minor)) AS b(balance, minor)
    WHERE c.account_id = $1 AND c.value_date > $2::date
  ) crossing`

/**
 * By how much an account's balances by value date at the end of a day differ from those by booking:
 * later bookings with an earlier value date, less earlier ones with a later (E4). `version` is the
 * one that the account had at the end of that day.
 */
export async function sumOtherDays(
  db: Reader,
  accountId: string,
  { day, version }: { day: string; version: number },
): Promise<Balances> {
  const { rows } = await db.query<{ available_minor: string; held_minor: string }>({
    name: 'sum-other-days',
    text: SUM,
    values: [accountId, day, version],
  })
  return {
    availableMinor: BigInt(rows[0]!.available_minor),
    heldMinor: BigInt(rows[0]!.held_minor),
  }
}
