import type { Check } from './check.ts'
import { findViolations } from './find-violations.ts'

/** By how much the clock of the database may have stepped back. */
const CLOCK_STEP = `interval '1 minute'`

// What the transfers of clients with a maximum per day moved, by currency and day (UTC). A commit
// or rollback was counted as the hold. Rebuilt transfers have no fingerprint: a rebuild begins the
// day again. A transfer of the last minute of a day counts on the next one if the clock stepped
// back.
const COUNTED = `
  limited AS MATERIALIZED (
    SELECT p.policy_version, c.key AS currency
    FROM client_policies p CROSS JOIN LATERAL jsonb_each(p.policy->'currencies') c
    WHERE c.value->>'max_per_day' IS NOT NULL
  ), counted AS MATERIALIZED (
    SELECT t.transfer_id, t.tenant_id, t.client_id, a.currency, sum(e.amount_minor) AS minor,
      (t.booked_at AT TIME ZONE 'UTC')::date AS day,
      ((t.booked_at + ${CLOCK_STEP}) AT TIME ZONE 'UTC')::date AS last_day
    FROM (SELECT DISTINCT policy_version FROM limited) v
    JOIN transfers t USING (policy_version)
    JOIN entries e ON e.transfer_id = t.transfer_id AND e.booked_at = t.booked_at
    JOIN accounts a ON a.account_id = e.account_id
    WHERE t.kind NOT IN ('commit', 'rollback') AND t.fingerprint <> '' AND e.amount_minor > 0
      AND (t.policy_version, a.currency) IN (SELECT policy_version, currency FROM limited)
    GROUP BY t.transfer_id, t.booked_at, t.tenant_id, t.client_id, a.currency
  )`

const SPENT = `
  SELECT format('client %s of tenant %s (%s): %s spent on %s, its transfers of that day move %s',
    client_id, tenant_id, currency, spent_minor, day, minor) AS violation
  FROM (
    SELECT s.*, coalesce(sum(c.minor) FILTER (WHERE c.day = s.day), 0) AS minor,
      coalesce(sum(c.minor), 0) AS minor_with_last_minute
    FROM client_spending s
    LEFT JOIN counted c ON c.tenant_id = s.tenant_id AND c.client_id = s.client_id
      AND c.currency = s.currency AND c.day <= s.day AND c.last_day >= s.day
    GROUP BY s.tenant_id, s.client_id, s.currency
  ) m
  WHERE spent_minor NOT BETWEEN minor AND minor_with_last_minute
    AND NOT EXISTS (
      SELECT FROM detached_months d WHERE m.day < (d.kept_from AT TIME ZONE 'UTC')::date)`

// A transfer is counted on its day or a later one.
const LATER = `
  SELECT format('client %s of tenant %s (%s): transfer %s moves %s on %s, ' ||
    'the last day counted is %s', c.client_id, c.tenant_id, c.currency, c.transfer_id, c.minor,
    c.day, coalesce(s.day::text, 'none'))
  FROM counted c
  LEFT JOIN client_spending s ON s.tenant_id = c.tenant_id AND s.client_id = c.client_id
    AND s.currency = c.currency
  WHERE s.day IS NULL OR c.day > s.day`

// The service records each policy before its first use; a rebuilt ledger knows those in force only.
const UNKNOWN = `
  SELECT format('transfer %s of account %s (%s): policy %s of client %s is not recorded',
    t.transfer_id, t.account_id, t.currency, t.policy_version, t.client_id) AS violation
  FROM transfers t
  LEFT JOIN client_policies p USING (policy_version)
  WHERE t.policy_version IS NOT NULL AND t.fingerprint <> '' AND p.policy_version IS NULL`

/**
 * F14: what a client with a maximum per day has spent on its last day is the sum of its transfers
 * of that day, and every transfer was permitted by a recorded policy (ADR 0025). Reads all
 * transfers of such clients, since a checkpoint too: rows of sums change in place, so no digest
 * covers them.
 */
export const clientSpending: Check = {
  name: 'client_spending',
  needs: ['wallets'],
  run: ({ wallets }) =>
    findViolations(
      wallets,
      'SELECT count(*) AS checked FROM client_spending',
      `WITH ${COUNTED} ${SPENT} UNION ALL ${LATER}`,
      UNKNOWN,
    ),
}
