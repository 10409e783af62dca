import type { Db } from '@caudal/postgres/types.ts'
import type { Check, Finding } from './check.ts'

/** F1: the entries of every transfer sum to zero in each currency of its accounts. */
export const entriesSumToZero: Check = {
  name: 'entries_sum_to_zero',
  run: ({ wallets }) =>
    find(
      wallets,
      'SELECT count(*) AS checked FROM transfers',
      `SELECT format('transfer %s: its entries sum to %s in %s', e.transfer_id,
         sum(e.amount_minor), coalesce(a.currency, 'no known account')) AS violation
       FROM entries e LEFT JOIN accounts a USING (account_id)
       GROUP BY e.transfer_id, a.currency HAVING sum(e.amount_minor) <> 0 OR a.currency IS NULL
       UNION ALL
       SELECT format('transfer %s has no entries', t.transfer_id)
       FROM transfers t
       WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.transfer_id = t.transfer_id)`,
    ),
}

/** F1: every balance is the sum of its entries, and each entry continues the one before it. */
export const balancesEqualEntries: Check = {
  name: 'balances_equal_entries',
  run: ({ wallets }) =>
    find(
      wallets,
      'SELECT count(*) AS checked FROM accounts',
      `WITH sums AS (
         SELECT account_id,
           coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available,
           coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held
         FROM entries GROUP BY account_id
       )
       SELECT format('account %s (%s): available %s, its entries say %s; held %s, they say %s',
         coalesce(a.account_id, s.account_id), a.currency, a.available_minor,
         coalesce(s.available, 0), a.held_minor, coalesce(s.held, 0)) AS violation
       FROM accounts a FULL JOIN sums s USING (account_id)
       WHERE a.available_minor IS DISTINCT FROM coalesce(s.available, 0)
         OR a.held_minor IS DISTINCT FROM coalesce(s.held, 0)
       UNION ALL
       SELECT format('account %s: %s is %s after version %s, its entries until then say %s',
         account_id, balance, balance_after_minor, account_version, running)
       FROM (
         SELECT account_id, balance, balance_after_minor, account_version,
           sum(amount_minor) OVER (PARTITION BY account_id, balance
             ORDER BY account_version, line) AS running
         FROM entries
       ) e
       WHERE balance_after_minor <> running`,
    ),
}

/** P4: no wallet was ever below zero, not now and not in between. */
export const noOverdraft: Check = {
  name: 'no_overdraft',
  run: ({ wallets }) =>
    find(
      wallets,
      `SELECT count(*) AS checked FROM accounts WHERE kind = 'wallet'`,
      `SELECT format('account %s (%s): available %s, held %s', account_id, currency,
         available_minor, held_minor) AS violation
       FROM accounts WHERE kind = 'wallet' AND (available_minor < 0 OR held_minor < 0)
       UNION ALL
       SELECT format('account %s: %s was %s after version %s', e.account_id, e.balance,
         e.balance_after_minor, e.account_version)
       FROM entries e JOIN accounts a USING (account_id)
       WHERE a.kind = 'wallet' AND e.balance_after_minor < 0
       UNION ALL
       SELECT format('account %s (%s): held %s, its open holds say %s', a.account_id, a.currency,
         a.held_minor, coalesce(h.open_minor, 0))
       FROM accounts a LEFT JOIN (
         SELECT account_id, sum(remaining_minor) AS open_minor FROM holds
         WHERE status = 'open' GROUP BY account_id
       ) h USING (account_id)
       WHERE a.kind = 'wallet' AND a.held_minor <> coalesce(h.open_minor, 0)`,
    ),
}

async function find(db: Db, counting: string, finding: string): Promise<Finding> {
  const [counted, found] = await Promise.all([
    db.query<{ checked: bigint }>(counting),
    db.query<{ violation: string }>(finding),
  ])
  return {
    checked: Number(counted.rows[0]!.checked),
    violations: found.rows.map((row) => row.violation),
  }
}
