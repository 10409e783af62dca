import type { CheckpointPosition } from './checkpoint.ts'
import { anyDifference, eachDifference, type Pair } from './differences.ts'
import { timeOf } from './since.ts'

// The held balance of an account is the sum of its open holds.
const OPEN_HOLDS = `
  SELECT CASE WHEN a.account_id IS NULL
    THEN format('account %s (%s) is missing: its open holds sum to %s', h.account_id, h.currency,
      h.open_minor)
    ELSE format('account %s (%s): held %s, its open holds sum to %s', a.account_id, a.currency,
      a.held_minor, coalesce(h.open_minor, 0))
  END AS violation
  FROM (SELECT * FROM accounts WHERE kind = 'wallet') a FULL JOIN (
    SELECT account_id, min(currency) AS currency, sum(remaining_minor) AS open_minor FROM holds
    WHERE status = 'open' GROUP BY account_id
  ) h USING (account_id)
  WHERE a.held_minor IS DISTINCT FROM coalesce(h.open_minor, 0)`

// A hold matches the transfer that created it; its remaining amount and its status follow from all
// its transfers.
const OF_HOLDS: readonly Pair[] = [
  ['remaining amount', 'h.remaining_minor', 'coalesce(t.held_minor, 0)'],
  ['amount', 'h.amount_minor', 't.amount_minor'],
  ['currency', 'h.currency', 't.currency'],
  ['tenant', 'h.tenant_id', 't.tenant_id'],
  ['account', 'h.account_id', 't.account_id'],
  ['payment', 'h.payment_id', 't.payment_id'],
  // A hold of an earlier release does not name its client.
  ['client', 'h.client_id', 'CASE WHEN h.client_id IS NOT NULL THEN t.client_id END'],
  ['creation time', 'h.created_at', 't.made_at'],
  ['change time', 'h.changed_at', 't.changed_at'],
  [
    'status',
    'h.status',
    `CASE WHEN h.remaining_minor > 0 THEN 'open'
       WHEN t.committed >= coalesce(t.released, 0) THEN 'committed' ELSE 'released' END`,
  ],
]

// Since a checkpoint, only holds that are open or changed can be wrong: ended holds and transfers
// of an earlier time are in its digests.
function changedSince(since: CheckpointPosition | undefined, table: string): string {
  if (since === undefined) return ''
  const time = timeOf(since)
  return `AND ${table}.hold_id IN (
    SELECT hold_id FROM transfers WHERE hold_id IS NOT NULL AND booked_at >= ${time}
    UNION
    SELECT hold_id FROM holds
    WHERE status <> 'refused' AND (status = 'open' OR changed_at >= ${time}))`
}

// A hold that was created in a detached month may have detached transfers, so it is left out.
const holds = (since: CheckpointPosition | undefined): string => `
  SELECT CASE WHEN h.hold_id IS NULL
    THEN format('account %s (%s): hold %s is missing, its transfers leave %s', t.account_id,
      t.currency, t.hold_id, t.held_minor)
    ELSE format('hold %s of account %s (%s): %s is %s, expected %s', h.hold_id, h.account_id,
      h.currency, d.name, d.found, d.expected)
  END
  FROM (SELECT * FROM holds h WHERE status <> 'refused' ${changedSince(since, 'h')}) h FULL JOIN (
    SELECT t.hold_id, e.account_id, sum(e.amount_minor) AS held_minor,
      max(t.booked_at) AS changed_at, min(t.currency) AS currency, min(t.tenant_id) AS tenant_id,
      any_value(t.payment_id) AS payment_id,
      min(t.client_id) FILTER (WHERE t.transfer_id = t.hold_id) AS client_id,
      min(t.amount_minor) FILTER (WHERE t.transfer_id = t.hold_id) AS amount_minor,
      min(t.booked_at) FILTER (WHERE t.transfer_id = t.hold_id) AS made_at,
      max(e.account_version) FILTER (WHERE t.kind = 'commit') AS committed,
      max(e.account_version) FILTER (WHERE t.kind = 'rollback') AS released
    FROM transfers t
    JOIN entries e ON e.transfer_id = t.transfer_id AND e.booked_at = t.booked_at
    WHERE t.hold_id IS NOT NULL AND e.balance = 'held' ${changedSince(since, 't')}
    GROUP BY t.hold_id, e.account_id
  ) t USING (hold_id)
  LEFT JOIN ${eachDifference(OF_HOLDS)} ON h.hold_id IS NOT NULL
  WHERE ${anyDifference(OF_HOLDS)}
    AND (t.made_at IS NOT NULL
      OR NOT EXISTS (SELECT FROM detached_months m WHERE h.created_at < m.kept_from))`

// The expiry queue has each open hold with an expiry time. An overdue hold is no violation: it can
// only be released, and the sweep does that when it runs.
const EXPIRIES = `
  SELECT format('hold %s of account %s (%s): expires at %s, but is not in the expiry queue',
    h.hold_id, h.account_id, h.currency, h.expires_at)
  FROM holds h LEFT JOIN hold_expiries q ON q.expires_at = h.expires_at AND q.hold_id = h.hold_id
  WHERE h.status = 'open' AND h.expires_at IS NOT NULL AND q.hold_id IS NULL
  UNION ALL
  SELECT CASE
    WHEN h.hold_id IS NULL THEN format('hold %s is missing, but is to expire at %s', q.hold_id,
      q.expires_at)
    ELSE format('hold %s of account %s (%s): expiry is %s, in the queue %s', h.hold_id,
      h.account_id, h.currency, coalesce(h.expires_at::text, 'none'), q.expires_at)
  END
  FROM hold_expiries q LEFT JOIN holds h ON h.hold_key = q.hold_id
  WHERE h.expires_at IS DISTINCT FROM q.expires_at`

/** SQL that returns a message for each account and each hold with a wrong held amount or expiry. */
export function heldMoney(since: CheckpointPosition | undefined): string {
  return [OPEN_HOLDS, holds(since), EXPIRIES].join(' UNION ALL ')
}
