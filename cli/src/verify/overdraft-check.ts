import type { Check } from './check.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import { findViolations } from './find-violations.ts'
import { heldMoney } from './held-money.ts'
import { timeOf } from './since.ts'

// A balance may be negative down to the account's overdraft limit. The limit of an entry is the
// last one before it or one of the same instant, whichever allows more.
const balances = (since: CheckpointPosition | undefined): string => `
  SELECT format('account %s (%s): available %s, held %s', account_id, currency,
    available_minor, held_minor) AS violation
  FROM accounts
  WHERE kind = 'wallet' AND (available_minor < -overdraft_limit_minor OR held_minor < 0)
  UNION ALL
  SELECT format('account %s (%s): %s was %s after version %s, the minimum was %s', e.account_id,
    a.currency, e.balance, e.balance_after_minor, e.account_version, -allowed.minor)
  FROM entries e
  JOIN accounts a USING (account_id)
  CROSS JOIN LATERAL (
    SELECT CASE e.balance WHEN 'held' THEN 0 ELSE greatest(
      coalesce((SELECT c.overdraft_limit_minor FROM account_changes c
        WHERE c.account_id = e.account_id AND c.booked_at < e.booked_at
        ORDER BY c.revision DESC LIMIT 1), 0),
      coalesce((SELECT max(c.overdraft_limit_minor) FROM account_changes c
        WHERE c.account_id = e.account_id AND c.booked_at = e.booked_at), 0)) END AS minor
  ) allowed
  WHERE a.kind = 'wallet' AND e.balance_after_minor < 0
    AND e.balance_after_minor < -allowed.minor AND e.booked_at >= ${timeOf(since)}`

// An account matches the last of its changes, and none of them is missing. A closed account has no
// transfers; a frozen one only those that end its holds.
const status = (since: CheckpointPosition | undefined): string => `
  SELECT CASE WHEN a.account_id IS NULL
    THEN format('account %s is missing: it was %s with limit %s', c.account_id, c.status,
      c.overdraft_limit_minor)
    ELSE format('account %s (%s): %s with limit %s, expected %s with limit %s', a.account_id,
      a.currency, a.status, a.overdraft_limit_minor, coalesce(c.status, 'open'),
      coalesce(c.overdraft_limit_minor, 0))
      || CASE WHEN c.changes IS DISTINCT FROM nullif(a.revision, 0)
        THEN format('; revision %s after %s changes', a.revision, coalesce(c.changes, 0))
        ELSE '' END
  END AS violation
  FROM (SELECT * FROM accounts WHERE kind = 'wallet') a FULL JOIN (
    SELECT DISTINCT ON (account_id) account_id, status, overdraft_limit_minor, revision,
      count(*) OVER (PARTITION BY account_id) AS changes
    FROM account_changes ORDER BY account_id, revision DESC
  ) c USING (account_id)
  WHERE (a.status, a.overdraft_limit_minor, a.revision, a.revision) IS DISTINCT FROM
    (coalesce(c.status, 'open'), coalesce(c.overdraft_limit_minor, 0), coalesce(c.revision, 0),
      coalesce(c.changes, 0))
  UNION ALL
  SELECT format('account %s (%s): %s by transfer %s while it was %s', e.account_id, t.currency,
    t.kind, e.transfer_id, p.status)
  FROM (
    SELECT account_id, status, booked_at AS since,
      coalesce(lead(booked_at) OVER (PARTITION BY account_id ORDER BY revision), 'infinity')
        AS until
    FROM account_changes
  ) p
  JOIN entries e ON e.account_id = p.account_id AND e.booked_at > p.since AND e.booked_at < p.until
  JOIN transfers t ON t.transfer_id = e.transfer_id AND t.booked_at = e.booked_at
  WHERE e.booked_at >= ${timeOf(since)}
    AND (p.status = 'closed' OR (p.status = 'frozen' AND t.kind NOT IN ('commit', 'rollback')))`

/**
 * P4, F1: no wallet is or ever was below its limit, held balances are the sums of open holds, and
 * frozen and closed accounts have no transfers that they forbid.
 */
export const noOverdraft: Check = {
  name: 'no_overdraft',
  needs: ['wallets'],
  run: ({ wallets, since }) =>
    findViolations(
      wallets,
      `SELECT count(*) AS checked FROM accounts WHERE kind = 'wallet'`,
      balances(since),
      heldMoney(since),
      status(since),
    ),
}
