import { findWrongIds } from './account-ids.ts'
import type { Check, CheckInput } from './check.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import { findViolations } from './find-violations.ts'
import { joinFindings } from './findings.ts'
import { ADDED_BY_ENTRIES, changesIn, timeOf } from './since.ts'

// All remaining entries, preceded by the balances that were carried over when older months were
// detached: one row per balance, as if everything before had been a single transfer.
const KEPT = `
  kept AS (
    SELECT account_id, account_version, line, balance, amount_minor, balance_after_minor, booked_at,
      false AS is_carried
    FROM entries
    UNION ALL
    SELECT c.account_id, c.account_version, b.line, b.balance, b.minor, b.minor, NULL, true
    FROM carried_balances c
    CROSS JOIN LATERAL (VALUES (0, 'available'::balance_name, c.available_minor),
      (1, 'held'::balance_name, c.held_minor)) AS b(line, balance, minor)
  ), checked_accounts AS (
    SELECT * FROM accounts
  )`

/**
 * The entries since a checkpoint, preceded by the balances that the accounts had then: what they
 * have now without these entries. The checkpoint proves those balances, and those of all accounts
 * without an entry since.
 */
function keptSince(since: CheckpointPosition): string {
  return `
  fresh AS MATERIALIZED (
    SELECT * FROM entries WHERE booked_at >= ${timeOf(since)}
  ), changed AS (${changesIn('fresh')}
  ), kept AS (
    SELECT account_id, account_version, line, balance, amount_minor, balance_after_minor, booked_at,
      false AS is_carried
    FROM fresh
    UNION ALL
    SELECT c.account_id, c.first_version - 1, b.line, b.balance, b.minor, b.minor, NULL, true
    FROM changed c JOIN accounts a USING (account_id)
    CROSS JOIN LATERAL (VALUES (0, 'available'::balance_name, a.available_minor - c.available),
      (1, 'held'::balance_name, a.held_minor - c.held)) AS b(line, balance, minor)
  ), checked_accounts AS (
    SELECT * FROM accounts
    WHERE opened_at >= ${timeOf(since)} OR account_id IN (SELECT account_id FROM changed)
  )`
}

// The sums of each account's entries, which its balances must equal.
const SUMS = `
  sums AS (
    SELECT account_id, max(account_version) AS version, ${ADDED_BY_ENTRIES}
    FROM kept GROUP BY account_id
  )`

const AGAINST_SUMS = `
  SELECT CASE WHEN a.account_id IS NULL
    THEN format('account %s (%s) is missing: entries sum to available %s, held %s', s.account_id,
      (SELECT t.currency FROM entries e JOIN transfers t USING (transfer_id)
        WHERE e.account_id = s.account_id LIMIT 1), s.available, s.held)
    ELSE format('account %s (%s): available %s, entries sum to %s; held %s, entries sum to %s',
      a.account_id, a.currency, a.available_minor, coalesce(s.available, 0), a.held_minor,
      coalesce(s.held, 0))
  END AS violation
  FROM checked_accounts a FULL JOIN sums s USING (account_id)
  WHERE a.available_minor IS DISTINCT FROM coalesce(s.available, 0)
    OR a.held_minor IS DISTINCT FROM coalesce(s.held, 0)
  UNION ALL
  SELECT format('account %s (%s): version %s, its last entry has %s', a.account_id, a.currency,
    a.version, coalesce(s.version, 0))
  FROM checked_accounts a LEFT JOIN sums s USING (account_id)
  WHERE a.version <> coalesce(s.version, 0)`

// Compares each entry with the one before it, in one pass by account and version.
const CHAIN = `
  chain AS (
    SELECT account_id, currency, account_version, balance, balance_after_minor, is_carried,
      booked_at,
      CASE balance
        WHEN 'available' THEN sum(amount_minor) FILTER (WHERE balance = 'available') OVER history
        ELSE sum(amount_minor) FILTER (WHERE balance = 'held') OVER history
      END AS running,
      coalesce(lag(account_version) OVER history, 0) AS version_before,
      lag(booked_at) OVER history AS booked_before
    FROM kept LEFT JOIN accounts USING (account_id)
    WINDOW history AS (PARTITION BY account_id ORDER BY account_version, line)
  )`

const AGAINST_CHAIN = `
  SELECT format('account %s (%s): %s is %s after version %s, entries until then sum to %s',
    account_id, currency, balance, balance_after_minor, account_version, running)
  FROM chain WHERE balance_after_minor <> running
  UNION ALL
  SELECT format('account %s (%s): version %s follows version %s, versions are missing',
    account_id, currency, account_version, version_before)
  FROM chain WHERE account_version > version_before + 1 AND NOT is_carried
  UNION ALL
  SELECT format('account %s (%s): version %s was posted at %s, before the previous version',
    account_id, currency, account_version, booked_at)
  FROM chain WHERE booked_at < booked_before`

/**
 * F1: every balance is the sum of its entries, each entry continues the previous one, and every
 * account has the id that its tenant, user and currency give.
 */
export const balancesEqualEntries: Check = {
  name: 'balances_equal_entries',
  needs: ['wallets'],
  async run(input: CheckInput) {
    const { wallets, since } = input
    const kept = since === undefined ? KEPT : keptSince(since)
    const found = await findViolations(
      wallets,
      `WITH ${kept} SELECT count(*) AS checked FROM checked_accounts`,
      `WITH ${kept}, ${SUMS}, ${CHAIN} ${AGAINST_SUMS} UNION ALL ${AGAINST_CHAIN}`,
    )
    return joinFindings(found, await findWrongIds(input))
  },
}
