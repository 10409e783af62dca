import type { Reader } from '@caudal/postgres/types.ts'

// The bookings of an account are in the order of its versions, so its history is halved until the
// place is found: some thirty walks down an index, however long it is and with no index on times.
const SEARCH = `
  WITH RECURSIVE search (low, high) AS (
    SELECT coalesce(c.account_version, 0), a.version
    FROM accounts a LEFT JOIN carried_balances c USING (account_id)
    WHERE a.account_id = $1
    UNION ALL
    SELECT
      CASE WHEN e.booked_at >= $2 THEN s.low ELSE m.middle END,
      CASE WHEN e.booked_at >= $2 THEN e.account_version - 1 ELSE s.high END
    FROM search s
    CROSS JOIN LATERAL (SELECT (s.low + s.high + 1) / 2 AS middle) m
    LEFT JOIN LATERAL (
      SELECT account_version, booked_at FROM entries
      WHERE account_id = $1 AND account_version > s.low AND account_version <= m.middle
      ORDER BY account_version DESC
      LIMIT 1
    ) e ON true
    WHERE s.low < s.high
  )
  SELECT low AS version FROM search WHERE low >= high`

/**
 * The version that the account had just before a time; that of the carried balance, or 0, if
 * nothing was booked before.
 */
export async function findVersionAt(db: Reader, accountId: string, before: Date): Promise<number> {
  const { rows } = await db.query<{ version: bigint }>({
    name: 'find-version-at',
    text: SEARCH,
    values: [accountId, before],
  })
  return Number(rows[0]?.version ?? 0n)
}
