import type { Check } from './check.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import { findViolations, listViolations } from './find-violations.ts'
import { joinFindings } from './findings.ts'
import { timeOf } from './since.ts'

/** Ends at a circle, which only damage can make. */
const MAX_DEPTH = 50

// What originals, their corrections and the corrections of those moved, by account; the slots of a
// system account are one account. Corrections of release 0.1.0 had no bound and have no mark. They
// count, but are not checked.
const lines = (since: CheckpointPosition | undefined): string => `
  pairs AS (
    SELECT corrects_id AS original_id, transfer_id, 1 AS depth
    FROM transfers WHERE corrects_id IS NOT NULL
    UNION ALL
    SELECT o.corrects_id, p.transfer_id, p.depth + 1
    FROM pairs p JOIN transfers o ON o.transfer_id = p.original_id
    WHERE o.corrects_id IS NOT NULL AND p.depth < ${MAX_DEPTH}
  ), originals AS MATERIALIZED (
    SELECT DISTINCT p.original_id
    FROM pairs p JOIN transfers t ON t.transfer_id = p.transfer_id
    WHERE t.correction IS NOT NULL AND t.booked_at >= ${timeOf(since)}
  ), moved AS MATERIALIZED (
    SELECT o.original_id, t.transfer_id, t.booked_at, NULL::text AS correction, 0 AS depth
    FROM originals o JOIN transfers t ON t.transfer_id = o.original_id
    UNION ALL
    SELECT o.original_id, t.transfer_id, t.booked_at, t.correction, p.depth
    FROM originals o
    JOIN pairs p ON p.original_id = o.original_id
    JOIN transfers t ON t.transfer_id = p.transfer_id
  ), lines AS MATERIALIZED (
    SELECT m.original_id, m.transfer_id, m.booked_at, m.correction, m.depth, a.currency,
      CASE a.kind WHEN 'wallet' THEN a.account_id::text
        ELSE concat_ws(' of ', a.kind, a.psp) END AS account,
      sum(e.amount_minor) AS minor
    FROM moved m
    JOIN entries e ON e.transfer_id = m.transfer_id AND e.booked_at = m.booked_at
    JOIN accounts a USING (account_id)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
  )`

// A transfer of a detached month is gone; corrections of it cannot be checked.
const missing = (since: CheckpointPosition | undefined): string => `
  SELECT format('transfer %s of account %s (%s): corrects transfer %s, which does not exist',
    c.transfer_id, c.account_id, c.currency, c.corrects_id) AS violation
  FROM transfers c LEFT JOIN transfers o ON o.transfer_id = c.corrects_id
  WHERE c.correction IS NOT NULL AND o.transfer_id IS NULL AND c.booked_at >= ${timeOf(since)}
    AND NOT EXISTS (SELECT FROM detached_months)`

// The sum after each correction, by the time of posting: those of one batch have one time, and each
// batch held the lock of the original. With and without the corrections of corrections.
const boundsOf = (corrections: string): string => `
  SELECT format('account %s (%s): corrections until transfer %s change it by %s, but ' ||
    'transfer %s changed it by %s', c.account, c.currency, c.transfer_id, c.running, c.original_id,
    coalesce(o.minor, 0))
  FROM (
    SELECT *, sum(minor) OVER (PARTITION BY original_id, account, currency ORDER BY booked_at)
      AS running
    FROM lines WHERE ${corrections}
  ) c
  LEFT JOIN lines o ON o.depth = 0 AND o.original_id = c.original_id AND o.account = c.account
    AND o.currency = c.currency
  WHERE c.correction IS NOT NULL
    AND EXISTS (SELECT FROM transfers t WHERE t.transfer_id = c.original_id)
    AND (o.account IS NOT NULL OR (c.correction = 'bounded' AND c.depth = 1))
    AND c.running NOT BETWEEN least(-coalesce(o.minor, 0), 0)
      AND greatest(-coalesce(o.minor, 0), 0)`
const BOUNDS = `(${boundsOf('depth = 1')} UNION ${boundsOf('depth > 0')})`

// What all other accounts together have taken until a correction, and what those of the original
// have given, in each currency.
const EXCHANGED = `
  SELECT format('transfer %s (%s): accounts that transfer %s does not have take %s until then, ' ||
    'its own give %s', transfer_id, currency, original_id, taken, given)
  FROM (
    SELECT c.original_id, c.transfer_id, c.currency,
      coalesce(sum(s.minor) FILTER (WHERE NOT s.is_own AND s.minor > 0), 0) AS taken,
      coalesce(-sum(s.minor) FILTER (WHERE s.is_own AND s.minor < 0), 0) AS given
    FROM (
      SELECT DISTINCT original_id, transfer_id, booked_at, currency FROM lines
      WHERE correction IS NOT NULL
    ) c
    CROSS JOIN LATERAL (
      SELECT l.account, sum(l.minor) FILTER (WHERE l.depth > 0) AS minor,
        bool_or(l.depth = 0) AS is_own
      FROM lines l
      WHERE l.original_id = c.original_id AND l.currency = c.currency
        AND (l.depth = 0 OR l.booked_at <= c.booked_at)
      GROUP BY l.account
    ) s
    GROUP BY 1, 2, 3
  ) r
  WHERE taken > given AND EXISTS (SELECT FROM transfers t WHERE t.transfer_id = r.original_id)`

/**
 * F1: on each account of a transfer the sum of its corrections, and of theirs, stays between
 * nothing and the transfer, and only a reclassification moves other accounts (ADR 0025).
 */
export const correctionsBounded: Check = {
  name: 'corrections_bounded',
  needs: ['wallets'],
  async run({ wallets, since }) {
    const counted = await findViolations(
      wallets,
      `SELECT count(*) AS checked FROM transfers
       WHERE correction IS NOT NULL AND booked_at >= ${timeOf(since)}`,
    )
    if (counted.checked === 0) return counted
    const found = await listViolations(
      wallets,
      `WITH RECURSIVE ${lines(since)}
       ${missing(since)} UNION ALL ${BOUNDS} UNION ALL ${EXCHANGED}`,
    )
    return joinFindings(counted, found)
  },
}
