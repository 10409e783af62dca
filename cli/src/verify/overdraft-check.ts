import type { Check } from './check.ts'
import { findViolations } from './find-violations.ts'

// An account may go below zero as far as its limit. That has a history: what was allowed at a
// booking is the last change before it, or one of the same instant, whichever allows more.
const BALANCES = `
  SELECT format('account %s (%s): available %s, held %s', account_id, currency,
    available_minor, held_minor) AS violation
  FROM accounts
  WHERE kind = 'wallet' AND (available_minor < -overdraft_limit_minor OR held_minor < 0)
  UNION ALL
  SELECT format('account %s (%s): %s was %s after version %s, allowed was %s', e.account_id,
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
    AND e.balance_after_minor < -allowed.minor`

// What is held belongs to open holds, and what a hold still keeps is what its transfers left of it.
// The transfers of a hold that was made in a detached month are not all here.
const HOLDS = `
  SELECT format('account %s (%s): held %s, its open holds say %s',
    coalesce(a.account_id, h.account_id), a.currency, a.held_minor, coalesce(h.open_minor, 0))
  FROM (SELECT * FROM accounts WHERE kind = 'wallet') a FULL JOIN (
    SELECT account_id, sum(remaining_minor) AS open_minor FROM holds
    WHERE status = 'open' GROUP BY account_id
  ) h USING (account_id)
  WHERE a.held_minor IS DISTINCT FROM coalesce(h.open_minor, 0)
  UNION ALL
  SELECT format('hold %s of account %s (%s): keeps %s, its transfers say %s',
    coalesce(h.hold_id, t.hold_id), coalesce(h.account_id, t.account_id), h.currency,
    h.remaining_minor, coalesce(t.held_minor, 0))
  FROM (SELECT * FROM holds WHERE status <> 'refused') h FULL JOIN (
    SELECT t.hold_id, e.account_id, sum(e.amount_minor) AS held_minor
    FROM transfers t
    JOIN entries e ON e.transfer_id = t.transfer_id AND e.booked_at = t.booked_at
    WHERE t.hold_id IS NOT NULL AND e.balance = 'held'
    GROUP BY t.hold_id, e.account_id
  ) t ON t.hold_id = h.hold_id AND t.account_id = h.account_id
  WHERE h.remaining_minor IS DISTINCT FROM coalesce(t.held_minor, 0)
    AND NOT EXISTS (SELECT FROM detached_months m WHERE h.created_at < m.kept_from)
  UNION ALL
  SELECT format('hold %s of account %s (%s): open until %s, but nothing will end it then',
    h.hold_id, h.account_id, h.currency, h.expires_at)
  FROM holds h LEFT JOIN hold_expiries q ON q.expires_at = h.expires_at AND q.hold_id = h.hold_id
  WHERE h.status = 'open' AND h.expires_at IS NOT NULL AND q.hold_id IS NULL`

// A closed account is touched by nothing; a frozen one by the end of its holds only.
const STATUS = `
  SELECT format('account %s (%s): %s with limit %s, its changes say %s with %s', a.account_id,
    a.currency, a.status, a.overdraft_limit_minor, coalesce(c.status, 'open'),
    coalesce(c.overdraft_limit_minor, 0))
  FROM accounts a LEFT JOIN (
    SELECT DISTINCT ON (account_id) account_id, status, overdraft_limit_minor, revision
    FROM account_changes ORDER BY account_id, revision DESC
  ) c USING (account_id)
  WHERE a.kind = 'wallet'
    AND (a.status, a.overdraft_limit_minor, a.revision) IS DISTINCT FROM
      (coalesce(c.status, 'open'), coalesce(c.overdraft_limit_minor, 0), coalesce(c.revision, 0))
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
  WHERE p.status = 'closed' OR (p.status = 'frozen' AND t.kind NOT IN ('commit', 'rollback'))`

/**
 * P4, F1: no wallet was ever below what it may be, not now and not in between; what is held is what
 * holds keep; frozen and closed accounts stay as they are.
 */
export const noOverdraft: Check = {
  name: 'no_overdraft',
  needs: ['wallets'],
  run: ({ wallets }) =>
    findViolations(
      wallets,
      `SELECT count(*) AS checked FROM accounts WHERE kind = 'wallet'`,
      [BALANCES, HOLDS, STATUS].join(' UNION ALL '),
    ),
}
