import type { Db } from '@caudal/postgres/types.ts'

/**
 * What is wrong with the books, computed from the tables alone: entries against each other, against
 * the balances, against the holds, and versions without a gap. None when all is well.
 */
export async function findViolations(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ violation: string }>(`
    WITH kept AS (
      SELECT account_id, account_version, line, balance, amount_minor, balance_after_minor,
        booked_at
      FROM entries
      UNION ALL
      -- What a detached month left behind stands for all before it.
      SELECT account_id, account_version, 0, 'available', available_minor, available_minor, NULL
      FROM carried_balances
      UNION ALL
      SELECT account_id, account_version, 1, 'held', held_minor, held_minor, NULL
      FROM carried_balances
    ), sums AS (
      SELECT account_id, max(account_version) AS last,
        count(DISTINCT account_version) + coalesce(min(c.account_version) - 1, 0) AS versions,
        coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available,
        coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held
      FROM kept k LEFT JOIN carried_balances c USING (account_id, account_version)
      GROUP BY account_id
    ), open_holds AS (
      SELECT account_id, sum(remaining_minor) AS held FROM holds GROUP BY account_id
    )
    SELECT format('transfer %s sums to %s', transfer_id, sum(amount_minor)) AS violation
    FROM entries GROUP BY transfer_id HAVING sum(amount_minor) <> 0
    UNION ALL
    SELECT format('transfer %s has %s entries', t.transfer_id, count(e.transfer_id))
    FROM transfers t LEFT JOIN entries e USING (transfer_id)
    GROUP BY t.transfer_id HAVING count(e.transfer_id) < 2
    UNION ALL
    SELECT format('transfer %s of %s: an entry has %s', t.transfer_id, t.value_date, e.value_date)
    FROM transfers t JOIN entries e USING (transfer_id)
    WHERE coalesce(e.value_date, (e.booked_at AT TIME ZONE 'UTC')::date) <> t.value_date
      OR e.value_date = (e.booked_at AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT format('account %s: %s/%s, its entries sum to %s/%s', a.account_id, a.available_minor,
      a.held_minor, s.available, s.held)
    FROM accounts a LEFT JOIN sums s USING (account_id)
    WHERE (a.available_minor, a.held_minor)
      IS DISTINCT FROM (coalesce(s.available, 0), coalesce(s.held, 0))
    UNION ALL
    SELECT format('account %s: version %s, %s versions in entries', a.account_id, a.version,
      s.versions)
    FROM accounts a LEFT JOIN sums s USING (account_id)
    WHERE a.version <> coalesce(s.versions, 0) OR a.version <> coalesce(s.last, 0)
    UNION ALL
    SELECT format('account %s: held %s, its holds say %s', a.account_id, a.held_minor, h.held)
    FROM accounts a LEFT JOIN open_holds h USING (account_id)
    WHERE a.held_minor <> coalesce(h.held, 0)
    UNION ALL
    SELECT format('account %s: %s after version %s is %s, its entries until then say %s',
      account_id, balance, account_version, balance_after_minor, running)
    FROM (
      SELECT *, sum(amount_minor) OVER (PARTITION BY account_id, balance
        ORDER BY account_version, line) AS running
      FROM kept
    ) e
    WHERE balance_after_minor <> running
    UNION ALL
    SELECT format('account %s: version %s was booked before the one it follows', account_id,
      account_version)
    FROM (
      SELECT *, lag(booked_at) OVER (PARTITION BY account_id ORDER BY account_version, line) AS last
      FROM kept
    ) e
    WHERE booked_at < last`)
  return rows.map((row) => row.violation)
}
