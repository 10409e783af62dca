import type { Db } from '@caudal/postgres/types.ts'

// The balances of an account are what its last entries left behind, its status and its limit those
// of its last change.
const RESTORE = `
  WITH last_entries AS (
    SELECT account_id, max(account_version) AS version,
      (array_agg(balance_after_minor ORDER BY account_version DESC, line DESC)
        FILTER (WHERE balance = 'available'))[1] AS available,
      (array_agg(balance_after_minor ORDER BY account_version DESC, line DESC)
        FILTER (WHERE balance = 'held'))[1] AS held
    FROM entries GROUP BY account_id
  ), last_changes AS (
    SELECT DISTINCT ON (account_id) * FROM account_changes ORDER BY account_id, revision DESC
  )
  UPDATE accounts a
  SET version = coalesce(e.version, 0), available_minor = coalesce(e.available, 0),
    held_minor = coalesce(e.held, 0), status = coalesce(c.status, 'open'),
    overdraft_limit_minor = coalesce(c.overdraft_limit_minor, a.overdraft_limit_minor),
    revision = coalesce(c.revision, 0)
  FROM accounts o
  LEFT JOIN last_entries e USING (account_id)
  LEFT JOIN last_changes c USING (account_id)
  WHERE o.account_id = a.account_id`

const RESTORE_EXPIRIES = `
  INSERT INTO hold_expiries (expires_at, hold_id)
  SELECT expires_at, hold_id FROM holds WHERE status = 'open' AND expires_at IS NOT NULL
  ON CONFLICT DO NOTHING`

// Versions and revisions count without a gap, and an entry continues the one before it.
const GAPS = `
  SELECT format('account %s: versions %s to %s are missing', account_id, before + 1,
    account_version - 1) AS gap
  FROM (
    SELECT account_id, account_version,
      coalesce(lag(account_version) OVER (PARTITION BY account_id ORDER BY account_version), 0)
        AS before
    FROM (SELECT DISTINCT account_id, account_version FROM entries) v
  ) e WHERE account_version > before + 1
  UNION ALL
  SELECT format('account %s: revisions %s to %s are missing', account_id, before + 1, revision - 1)
  FROM (
    SELECT account_id, revision,
      coalesce(lag(revision) OVER (PARTITION BY account_id ORDER BY revision), 0) AS before
    FROM account_changes
  ) c WHERE revision > before + 1
  UNION ALL
  SELECT format('account %s was never opened', account_id)
  FROM (SELECT account_id FROM entries UNION SELECT account_id FROM account_changes) t
  WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.account_id = t.account_id)
  UNION ALL
  SELECT format('account %s: %s is %s after version %s, the entry has %s', account_id, balance,
    running, account_version, balance_after_minor)
  FROM (
    SELECT *, sum(amount_minor) OVER (PARTITION BY account_id, balance
      ORDER BY account_version, line) AS running
    FROM entries
  ) e WHERE balance_after_minor <> running
  ORDER BY 1`

/** What is missing between the events that were restored, as sentences; none when they are all. */
export async function findGaps(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ gap: string }>(GAPS)
  return rows.map(({ gap }) => gap)
}

/** Brings the accounts to what the restored entries and changes left behind. */
export async function restoreAccounts(db: Db): Promise<void> {
  await db.query(RESTORE)
  await db.query(RESTORE_EXPIRIES)
}
