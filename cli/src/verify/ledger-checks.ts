import type { Check } from './check.ts'
import { findViolations } from './find-violations.ts'

/**
 * F1: the entries of every transfer sum to zero in each currency of its accounts. E4: they say its
 * value date, if that is another day than the one of its booking.
 */
export const entriesSumToZero: Check = {
  name: 'entries_sum_to_zero',
  needs: ['wallets'],
  run: ({ wallets }) =>
    findViolations(
      wallets,
      'SELECT count(*) AS checked FROM transfers',
      `WITH sums AS (
         SELECT e.transfer_id, a.currency, sum(e.amount_minor) AS total, count(*) AS entries,
           count(e.value_date) AS dated, min(e.value_date) AS first, max(e.value_date) AS last
         FROM entries e LEFT JOIN accounts a USING (account_id)
         GROUP BY e.transfer_id, a.currency
       )
       SELECT CASE
         WHEN s.transfer_id IS NULL THEN format('transfer %s has no entries', t.transfer_id)
         WHEN t.transfer_id IS NULL THEN
           format('transfer %s is gone, its entries in %s are there', s.transfer_id, s.currency)
         WHEN s.currency IS NULL OR s.total <> 0 THEN
           format('transfer %s: its entries sum to %s in %s', s.transfer_id, s.total,
             coalesce(s.currency, 'no known account'))
         ELSE format('transfer %s: its value date is %s, %s of its %s entries in %s have %s',
           s.transfer_id, t.value_date, s.dated, s.entries, s.currency,
           CASE WHEN s.dated = 0 THEN 'another' ELSE concat_ws(' to ', s.first, s.last) END)
       END AS violation
       FROM sums s FULL JOIN transfers t USING (transfer_id)
       WHERE s.transfer_id IS NULL OR t.transfer_id IS NULL OR s.currency IS NULL OR s.total <> 0
         OR CASE WHEN t.value_date = (t.booked_at AT TIME ZONE 'UTC')::date THEN s.dated > 0
           ELSE s.dated < s.entries OR s.first <> t.value_date OR s.last <> t.value_date END`,
    ),
}

// Every entry that is kept, and before them what was carried over when older months were detached:
// one for each balance, as if all before had been a single transfer.
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
  )`

// The account's own figures against the sums. What it has lost is named with its currency, what is
// expected and what was found.
const SUMS = `
  sums AS (
    SELECT account_id, max(account_version) AS version,
      coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available,
      coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held
    FROM kept GROUP BY account_id
  )`

const AGAINST_SUMS = `
  SELECT format('account %s (%s): available %s, its entries say %s; held %s, they say %s',
    coalesce(a.account_id, s.account_id), a.currency, a.available_minor,
    coalesce(s.available, 0), a.held_minor, coalesce(s.held, 0)) AS violation
  FROM accounts a FULL JOIN sums s USING (account_id)
  WHERE a.available_minor IS DISTINCT FROM coalesce(s.available, 0)
    OR a.held_minor IS DISTINCT FROM coalesce(s.held, 0)
  UNION ALL
  SELECT format('account %s (%s): version %s, its last entry has %s', a.account_id, a.currency,
    a.version, coalesce(s.version, 0))
  FROM accounts a LEFT JOIN sums s USING (account_id)
  WHERE a.version <> coalesce(s.version, 0)`

// One pass in the order of accounts and versions: each entry against the one before it.
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
  SELECT format('account %s (%s): %s is %s after version %s, its entries until then say %s',
    account_id, currency, balance, balance_after_minor, account_version, running)
  FROM chain WHERE balance_after_minor <> running
  UNION ALL
  SELECT format('account %s (%s): version %s follows version %s, what is between is missing',
    account_id, currency, account_version, version_before)
  FROM chain WHERE account_version > version_before + 1 AND NOT is_carried
  UNION ALL
  SELECT format('account %s (%s): version %s was booked at %s, before the version it follows',
    account_id, currency, account_version, booked_at)
  FROM chain WHERE booked_at < booked_before`

/** F1: every balance is the sum of its entries, and each entry continues the one before it. */
export const balancesEqualEntries: Check = {
  name: 'balances_equal_entries',
  needs: ['wallets'],
  run: ({ wallets }) =>
    findViolations(
      wallets,
      'SELECT count(*) AS checked FROM accounts',
      `WITH ${KEPT}, ${SUMS}, ${CHAIN} ${AGAINST_SUMS} UNION ALL ${AGAINST_CHAIN}`,
    ),
}
