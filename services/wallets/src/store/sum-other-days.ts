import type { Db } from '@caudal/postgres/types.ts'
import type { Balances } from '../domain/history.ts'

// The two ways in which value date and booking can lie on different sides of the end of a day. Only
// transfers of another day than that of their booking are looked at: they have an index.
const SUM = `
  WITH crossing AS (
    SELECT transfer_id, booked_at, 1 AS sign FROM transfers
    WHERE tenant_id = $1 AND value_date <> (booked_at AT TIME ZONE 'UTC')::date
      AND value_date <= $3::date AND booked_at >= ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT transfer_id, booked_at, -1 FROM transfers
    WHERE tenant_id = $1 AND value_date <> (booked_at AT TIME ZONE 'UTC')::date
      AND value_date > $3::date AND booked_at < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
  )
  SELECT
    coalesce(sum(sign * amount_minor) FILTER (WHERE balance = 'available'), 0) AS available_minor,
    coalesce(sum(sign * amount_minor) FILTER (WHERE balance = 'held'), 0) AS held_minor
  FROM crossing c
  -- LIMIT keeps the account out of the search: its index would be read from end to end.
  CROSS JOIN LATERAL (
    SELECT account_id, balance, amount_minor FROM entries
    WHERE transfer_id = c.transfer_id AND booked_at = c.booked_at
    LIMIT 1000
  ) e
  WHERE e.account_id = $2`

/**
 * By how much an account's balances by value date at the end of a day differ from those by booking:
 * later bookings with an earlier value date, less earlier ones with a later (E4).
 */
export async function sumOtherDays(
  db: Db,
  account: { tenantId: string; accountId: string },
  day: string,
): Promise<Balances> {
  const { rows } = await db.query<{ available_minor: string; held_minor: string }>({
    name: 'sum-other-days',
    text: SUM,
    values: [account.tenantId, account.accountId, day],
  })
  return {
    availableMinor: BigInt(rows[0]!.available_minor),
    heldMinor: BigInt(rows[0]!.held_minor),
  }
}
