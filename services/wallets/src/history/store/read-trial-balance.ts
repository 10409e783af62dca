import type { Reader } from '@caudal/postgres/types.ts'
import type { AccountKind } from '../../ledger/domain/account.ts'
import type { AsOf, TrialBalanceRow } from '../history.ts'

interface Row {
  currency: string
  kind: AccountKind
  accounts: bigint
  available_minor: string
  held_minor: string
  debit_minor: string
  credit_minor: string
}

// What was booked since is taken away from the balances of today: the nearer the moment, the less
// is read, and months before it are not touched. A wallet counts on its side by itself, the slots
// of a system account together, and each PSP's settlement account by itself.
const SUM = (since: string): string => `
  WITH since AS (${since}), moved AS (
    SELECT account_id,
      coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available,
      coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held
    FROM since GROUP BY account_id
  ), balances AS (
    SELECT a.currency, a.kind,
      sum(a.available_minor - coalesce(m.available, 0)) AS available,
      sum(a.held_minor - coalesce(m.held, 0)) AS held
    FROM accounts a LEFT JOIN moved m USING (account_id)
    WHERE a.tenant_id = $1 AND ($2::text IS NULL OR a.currency = $2)
    GROUP BY a.currency, a.kind, a.psp, CASE WHEN a.kind = 'wallet' THEN a.account_id END
  )
  SELECT currency, kind, count(*) AS accounts, sum(available) AS available_minor,
    sum(held) AS held_minor,
    coalesce(-sum(available + held) FILTER (WHERE available + held < 0), 0) AS debit_minor,
    coalesce(sum(available + held) FILTER (WHERE available + held > 0), 0) AS credit_minor
  FROM balances GROUP BY currency, kind ORDER BY currency, kind`

const SINCE_BOOKING = `
  SELECT account_id, balance, amount_minor FROM entries
  WHERE tenant_id = $1 AND booked_at >= $3::timestamptz`

// As of the end of a day by value: what was booked since then, less what of it has an earlier value
// date, and what was booked before with a later one.
const END_OF_DAY = `($3::date + 1)::timestamp AT TIME ZONE 'UTC'`
const SINCE_VALUE = `
  SELECT account_id, balance, amount_minor FROM entries
  WHERE tenant_id = $1 AND booked_at >= ${END_OF_DAY}
  UNION ALL
  SELECT account_id, balance, -amount_minor FROM entries
  WHERE tenant_id = $1 AND value_date <= $3::date AND booked_at >= ${END_OF_DAY}
  UNION ALL
  SELECT account_id, balance, amount_minor FROM entries
  WHERE tenant_id = $1 AND value_date > $3::date AND booked_at < ${END_OF_DAY}
  UNION ALL
  SELECT c.account_id, b.balance, b.minor FROM carried_value_dates c
  CROSS JOIN LATERAL (VALUES ('available'::balance_name, c.available_minor),
    ('held', c.held_minor)) AS b(balance, minor)
  WHERE c.value_date > $3::date`

/** The sums of the tenant's accounts by currency and kind; null is the moment of the reading. */
export async function readTrialBalance(
  db: Reader,
  query: { tenantId: string; currency: string | null; asOf: AsOf | null },
): Promise<TrialBalanceRow[]> {
  const { tenantId, currency, asOf } = query
  const since = asOf?.by === 'value' ? SINCE_VALUE : SINCE_BOOKING
  const moment = asOf === null ? 'infinity' : asOf.by === 'value' ? asOf.day : asOf.before
  const { rows } = await db.query<Row>({
    name: `read-trial-balance-${asOf?.by ?? 'booking'}`,
    text: SUM(since),
    values: [tenantId, currency, moment],
  })
  return rows.map((row) => ({
    currency: row.currency,
    kind: row.kind,
    accounts: Number(row.accounts),
    availableMinor: BigInt(row.available_minor),
    heldMinor: BigInt(row.held_minor),
    debitMinor: BigInt(row.debit_minor),
    creditMinor: BigInt(row.credit_minor),
  }))
}
