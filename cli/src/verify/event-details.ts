import { anyDifference, eachDifference, type Pair } from './differences.ts'

// Compares columns other than balances and entries with the events. Each statement reads
// `ledger_events`, the events that are still in the outbox, and `posted`, the transfers
// (event-check.ts).

const OF_TRANSFERS: readonly Pair[] = [
  ['kind', 't.kind', `split_part(w.event_type, '.', 2)`],
  ['tenant', 't.tenant_id', 'w.tenant_id'],
  ['account', 't.account_id', 'w.account_id'],
  ['amount', 't.amount_minor', 'w.amount_minor'],
  ['currency', 't.currency', 'w.currency'],
  ['reference', 't.reference_id', 'w.reference_id'],
  ['idempotency key', 't.idempotency_key', 'w.idempotency_key'],
  ['client', 't.client_id', 'w.client_id'],
  ['reason', 't.reason', 'w.reason'],
  ['value date', 't.value_date', 'w.value_date'],
  ['posting time', 't.booked_at', 'w.occurred_at'],
  ['payment', 't.payment_id', 'w.payment_id'],
  ['hold', 't.hold_id', `(w.hold->>'hold_id')::uuid`],
  ['corrected transfer', 't.corrects_id', 'w.corrects'],
  ['bound of its correction', 't.correction', 'w.correction'],
  ['policy version', 't.policy_version', 'w.policy_version'],
]

const TRANSFERS = `
  SELECT format('account %s (%s): transfer %s has the %s %s, its event has %s', w.account_id,
    w.currency, w.transfer_id, d.name, d.found, d.expected) AS violation
  FROM ledger_events w JOIN posted t USING (transfer_id)
  JOIN ${eachDifference(OF_TRANSFERS)} ON true
  WHERE ${anyDifference(OF_TRANSFERS)}`

const OF_HOLDS: readonly Pair[] = [
  ['tenant', 'h.tenant_id', 'w.tenant_id'],
  ['account', 'h.account_id', 'w.account_id'],
  ['currency', 'h.currency', 'w.currency'],
  ['amount', 'h.amount_minor', `(w.hold->>'amount_minor')::bigint`],
  ['remaining amount', 'h.remaining_minor', `(w.hold->>'remaining_minor')::bigint`],
  ['status', 'h.status', `w.hold->>'status'`],
  ['expiry', 'h.expires_at', `(w.hold->>'expires_at')::timestamptz`],
  ['payment', 'h.payment_id', 'w.payment_id'],
]

// A hold matches the last of its events. Only events of a payment's transfers name a payment.
const HOLDS = `
  SELECT CASE WHEN h.hold_id IS NULL
    THEN format('account %s (%s): an event names hold %s, which does not exist', w.account_id,
      w.currency, w.hold_id)
    ELSE format('hold %s of account %s (%s): has the %s %s, its last event has %s', w.hold_id,
      w.account_id, w.currency, d.name, d.found, d.expected)
  END
  FROM (
    SELECT DISTINCT ON (hold_id) *
    FROM (
      SELECT tenant_id, account_id, currency, payment_id, account_version, hold,
        (hold->>'hold_id')::uuid AS hold_id
      FROM ledger_events WHERE hold IS NOT NULL
    ) o
    ORDER BY hold_id, account_version DESC
  ) w
  LEFT JOIN holds h ON h.hold_key = coalesce(w.payment_id, w.hold_id) AND h.hold_id = w.hold_id
  LEFT JOIN ${eachDifference(OF_HOLDS)} ON h.hold_id IS NOT NULL
  WHERE ${anyDifference(OF_HOLDS)}`

const OF_OPENINGS: readonly Pair[] = [
  ['tenant', 'a.tenant_id', 'w.tenant_id'],
  ['currency', 'a.currency', 'w.currency'],
  ['kind', 'a.kind', 'w.kind'],
  ['user', 'a.user_id', 'w.user_id'],
  ['wallet', 'a.wallet_id', 'w.wallet_id'],
  ['slot', 'a.stripe', 'w.stripe'],
  ['PSP', 'a.psp', 'w.psp'],
  // Events have whole milliseconds, rows have the precision of the database's clock.
  ['opening time', `date_trunc('milliseconds', a.opened_at)`, 'w.occurred_at'],
]

const OPENINGS = `
  SELECT CASE WHEN a.account_id IS NULL
    THEN format('account %s (%s) of tenant %s has an opening event, but does not exist',
      w.account_id, w.currency, w.tenant_id)
    ELSE format('account %s (%s): has the %s %s, its opening event has %s', w.account_id,
      w.currency, d.name, d.found, d.expected)
  END
  FROM ledger_events w
  LEFT JOIN accounts a USING (account_id)
  LEFT JOIN ${eachDifference(OF_OPENINGS)} ON a.account_id IS NOT NULL
  WHERE w.event_type = 'wallet.account.opened.committed' AND ${anyDifference(OF_OPENINGS)}`

const OF_CHANGES: readonly Pair[] = [
  ['tenant', 'c.tenant_id', 'w.tenant_id'],
  ['account', 'c.account_id', 'w.account_id'],
  ['kind', 'c.kind', 'w.change'],
  ['status', 'c.status', 'w.status'],
  ['limit', 'c.overdraft_limit_minor', 'w.overdraft_limit_minor'],
  ['revision', 'c.revision', 'w.revision'],
  ['client', 'c.client_id', 'w.client_id'],
  ['reference', 'c.reference_id', 'w.reference_id'],
  ['idempotency key', 'c.idempotency_key', 'w.idempotency_key'],
  ['reason', 'c.reason', 'w.reason'],
  ['posting time', 'c.booked_at', 'w.occurred_at'],
]

const CHANGES = `
  SELECT CASE WHEN c.change_id IS NULL
    THEN format('account %s (%s): an event names %s, revision %s, which does not exist',
      w.account_id, w.currency, w.change, w.revision)
    ELSE format('account %s (%s): %s, revision %s, has the %s %s, its event has %s', w.account_id,
      w.currency, w.change, w.revision, d.name, d.found, d.expected)
  END
  FROM ledger_events w
  LEFT JOIN account_changes c ON c.change_id = w.change_id
  LEFT JOIN ${eachDifference(OF_CHANGES)} ON c.change_id IS NOT NULL
  WHERE w.change_id IS NOT NULL AND ${anyDifference(OF_CHANGES)}`

/** SQL that returns a message for each transfer, hold, account and change unlike its event. */
export const AGAINST_DETAILS = [TRANSFERS, HOLDS, OPENINGS, CHANGES].join(' UNION ALL ')
