import { amountKinds, pspPostingKinds } from '@caudal/wallets/ledger/domain/kinds.ts'
import type { Check } from './check.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import { findViolations } from './find-violations.ts'
import { timeOf } from './since.ts'

// The entries of each transfer, aggregated by currency. The first two lines show the kind; further
// lines are what a commit releases, or more postings of a transfer between any accounts.
const sums = (since: CheckpointPosition | undefined): string => `
  sums AS (
    SELECT e.transfer_id, a.currency, sum(e.amount_minor) AS total, count(*) AS entries,
      count(e.value_date) AS dated, min(e.value_date) AS first_day, max(e.value_date) AS last_day,
      min(e.booked_at) AS first_booked, max(e.booked_at) AS last_booked,
      min(e.tenant_id COLLATE "C") AS first_tenant, max(e.tenant_id COLLATE "C") AS last_tenant,
      count(*) FILTER (WHERE a.tenant_id <> e.tenant_id) AS of_others,
      count(*) FILTER (WHERE e.balance = 'held') AS held,
      any_value(e.account_id) FILTER (WHERE e.line = 0) AS account_0,
      any_value(e.account_id) FILTER (WHERE e.line = 1) AS account_1,
      any_value(e.balance) FILTER (WHERE e.line = 0) AS balance_0,
      any_value(e.balance) FILTER (WHERE e.line = 1) AS balance_1,
      any_value(e.amount_minor) FILTER (WHERE e.line = 0) AS minor_0,
      any_value(e.amount_minor) FILTER (WHERE e.line = 1) AS minor_1
    FROM entries e LEFT JOIN accounts a USING (account_id)
    WHERE e.booked_at >= ${timeOf(since)}
    GROUP BY e.transfer_id, a.currency
  )`

// The kinds that move an amount to the account they are about, and those that move one from it.
const POSTINGS = pspPostingKinds()
const OF_PSPS = listOf(POSTINGS)
const IN = listOf([
  ...amountKinds().filter(({ row }) => row.to === 'account'),
  ...POSTINGS.filter(({ row }) => row.otherEnd === 'gets'),
])
const OUT = listOf([
  ...amountKinds().filter(({ row }) => row.from === 'account'),
  ...POSTINGS.filter(({ row }) => row.otherEnd === 'gives'),
])

// The entries of each kind of transfer. The currency of a transfer is that of its first line; only
// a transfer between any accounts has entries in other currencies.
const IS_ITS_KIND = `
  CASE
    WHEN s.currency <> t.currency THEN t.kind = 'transfer' AND s.account_0 IS NULL
    WHEN t.kind = 'transfer' THEN
      t.account_id = s.account_0 AND t.amount_minor = abs(s.minor_0) AND s.held = 0
    WHEN t.kind IN (${IN}) THEN t.account_id = s.account_1 AND t.account_id <> s.account_0
      AND t.amount_minor = s.minor_1 AND s.held = 0
    WHEN t.kind IN (${OUT}) THEN t.account_id = s.account_0 AND t.account_id <> s.account_1
      AND t.amount_minor = s.minor_1 AND s.held = 0
    WHEN t.kind = 'hold' THEN t.account_id = s.account_0 AND t.account_id = s.account_1
      AND t.amount_minor = s.minor_1 AND s.balance_0 = 'available' AND s.balance_1 = 'held'
    WHEN t.kind IN ('commit', 'rollback') THEN t.account_id = s.account_0
      AND (t.kind = 'rollback') = (t.account_id = s.account_1)
      AND t.amount_minor = s.minor_1 AND s.balance_0 = 'held' AND s.balance_1 = 'available'
    ELSE false
  END`

// A transfer of a client has no payment. A transfer without a client is identified by its payment,
// it releases an expired hold, it books a posting of a PSP (againstPostings), or it moves postings
// and is identified by its kind and reference.
const IS_NAMED_RIGHT = `
  ((t.hold_id IS NOT NULL) = (t.kind IN ('hold', 'commit', 'rollback'))
  AND (t.kind <> 'hold' OR t.hold_id = t.transfer_id)
  AND CASE
    WHEN t.client_id IS NOT NULL THEN t.payment_id IS NULL
    WHEN t.kind IN (${OF_PSPS}) THEN t.hold_id IS NULL AND t.reason = 'posting.requested'
    WHEN t.hold_id IS NULL THEN t.idempotency_key = concat(t.kind, ':', t.reference_id)
    WHEN t.payment_id IS NOT NULL THEN t.reference_id = t.payment_id::text
      AND t.idempotency_key = concat(t.kind, ':', t.payment_id)
      AND CASE t.kind WHEN 'hold' THEN t.reason = 'payment.requested'
        WHEN 'commit' THEN t.reason = 'payment.completed'
        ELSE t.reason LIKE 'payment.failed.%' OR t.reason = 'payment.canceled' END
    ELSE t.kind = 'rollback' AND t.reference_id = t.hold_id::text
      AND t.idempotency_key = concat('expire:', t.hold_id) AND t.reason = 'hold_expired'
  END)`

const HAS_ITS_DAY = `
  CASE WHEN t.value_date = (t.booked_at AT TIME ZONE 'UTC')::date THEN s.dated = 0
    ELSE s.dated = s.entries AND s.first_day = t.value_date AND s.last_day = t.value_date END`

const IS_OF_ITS_TENANT = `
  (t.tenant_id = s.first_tenant AND t.tenant_id = s.last_tenant AND s.of_others = 0)`

const IS_BOOKED_THEN = `
  (t.booked_at = s.first_booked AND t.booked_at = s.last_booked)`

// Reports only the first violation of a transfer.
const againstEntries = (since: CheckpointPosition | undefined): string => `
  SELECT CASE
    WHEN s.transfer_id IS NULL THEN format('transfer %s has no entries', t.transfer_id)
    WHEN t.transfer_id IS NULL THEN
      format('transfer %s is missing, but has entries in %s', s.transfer_id, s.currency)
    WHEN s.currency IS NULL OR s.total <> 0 THEN
      format('transfer %s: its entries sum to %s in %s', s.transfer_id, s.total,
        coalesce(s.currency, 'no known account'))
    ELSE format('transfer %s of account %s (%s): ', t.transfer_id, t.account_id, t.currency) || CASE
      WHEN NOT ${IS_BOOKED_THEN} THEN format('posted at %s, its entries in %s at %s', t.booked_at,
        s.currency, concat_ws(' to ', s.first_booked, nullif(s.last_booked, s.first_booked)))
      WHEN NOT ${IS_OF_ITS_TENANT} THEN
        format('its tenant is %s, its entries in %s have %s, %s of their accounts have another',
          t.tenant_id, s.currency,
          concat_ws(' and ', s.first_tenant, nullif(s.last_tenant, s.first_tenant)), s.of_others)
      WHEN NOT ${HAS_ITS_DAY} THEN
        format('its value date is %s, %s of its %s entries in %s have %s', t.value_date, s.dated,
          s.entries, s.currency, CASE WHEN s.dated = 0 THEN 'another'
            ELSE concat_ws(' to ', s.first_day, s.last_day) END)
      WHEN NOT ${IS_NAMED_RIGHT} THEN
        format('a %s of %s, hold %s, payment %s, with the key %s, reference %s and reason %s',
          t.kind, coalesce('client ' || t.client_id, 'no client'),
          coalesce(t.hold_id::text, 'none'), coalesce(t.payment_id::text, 'none'),
          t.idempotency_key, t.reference_id, t.reason)
      ELSE format('a %s of %s %s, its entries in %s are %s %s %s, %s %s %s', t.kind, t.amount_minor,
        t.currency, s.currency, s.account_0, s.balance_0, s.minor_0, s.account_1, s.balance_1,
        s.minor_1)
    END
  END AS violation
  FROM sums s
  FULL JOIN (SELECT * FROM transfers WHERE booked_at >= ${timeOf(since)}) t USING (transfer_id)
  WHERE (s.currency IS NOT NULL AND s.total = 0 AND ${IS_BOOKED_THEN} AND ${IS_OF_ITS_TENANT}
    AND ${HAS_ITS_DAY} AND ${IS_NAMED_RIGHT} AND ${IS_ITS_KIND}) IS NOT TRUE`

// The reference of a client's command, and of postings without a client, is recorded for ever. A
// reference without its transfer cannot be checked after months were detached; since a checkpoint,
// its digest of the earlier references finds one.
const againstReferences = (since: CheckpointPosition | undefined): string => `
  SELECT CASE WHEN t.id IS NULL
    THEN format('reference %s (%s of tenant %s) is used by transfer %s, which does not exist',
      r.reference_id, r.kind, r.tenant_id, r.transfer_id)
    ELSE format('%s %s of account %s (%s): its reference is %s of tenant %s, recorded is %s',
      t.kind, t.id, t.account_id, coalesce(t.currency, a.currency), t.reference_id, t.tenant_id,
      CASE WHEN r.transfer_id IS NULL THEN 'none'
        ELSE format('%s for a %s of tenant %s', r.reference_id, r.kind, r.tenant_id) END)
  END AS violation
  FROM (
    SELECT transfer_id AS id, account_id, currency, tenant_id, kind, reference_id
    FROM transfers
    WHERE (client_id IS NOT NULL OR hold_id IS NULL) AND kind NOT IN (${OF_PSPS})
      AND booked_at >= ${timeOf(since)}
    UNION ALL
    SELECT change_id, account_id, NULL, tenant_id, kind, reference_id FROM account_changes
    WHERE booked_at >= ${timeOf(since)}
  ) t
  ${since === undefined ? 'FULL' : 'LEFT'} JOIN command_references r ON r.transfer_id = t.id
  LEFT JOIN accounts a ON a.account_id = t.account_id
  WHERE (t.tenant_id COLLATE "C" = r.tenant_id AND t.kind COLLATE "C" = r.kind
      AND t.reference_id COLLATE "C" = r.reference_id) IS NOT TRUE
    AND (t.id IS NOT NULL OR NOT EXISTS (SELECT FROM detached_months))`

// A posting of a PSP is recorded for ever with its transfer, and booked between the settlement
// account of its PSP and the end that was taken, and the fees account if it bears charges. One of a
// detached month has no transfer here.
const againstPostings = (since: CheckpointPosition | undefined): string => `
  SELECT CASE
    WHEN t.transfer_id IS NULL THEN format('posting %s (%s of tenant %s) is booked by transfer %s, '
      || 'which does not exist', p.posting_id, p.kind, p.tenant_id, p.transfer_id)
    WHEN p.posting_id IS NULL THEN format('transfer %s of account %s (%s): a %s without a posting',
      t.transfer_id, t.account_id, t.currency, t.kind)
    ELSE format('transfer %s of account %s (%s): a %s of %s with the key %s and reference %s on '
      || 'accounts of %s, its posting is %s:%s of %s %s for %s with %s and %s', t.transfer_id,
      t.account_id, t.currency, t.kind, t.amount_minor, t.idempotency_key, t.reference_id,
      coalesce(e.accounts, 'no kind'), p.kind, p.posting_id, p.amount_minor, p.currency,
      p.source_id, p.psp, p.other_end)
  END AS violation
  FROM (SELECT * FROM transfers WHERE kind IN (${OF_PSPS}) AND booked_at >= ${timeOf(since)}) t
  FULL JOIN (SELECT * FROM psp_postings WHERE booked_at >= ${timeOf(since)}) p USING (transfer_id)
  LEFT JOIN LATERAL (
    SELECT string_agg(CASE a.kind WHEN 'psp_settlement' THEN coalesce(a.psp, 'main')
      ELSE a.kind END, ' and '
        ORDER BY CASE a.kind WHEN 'psp_settlement' THEN 0 WHEN 'fees' THEN 2 ELSE 1 END)
      AS accounts,
      coalesce(sum(e.amount_minor) FILTER (WHERE a.kind = 'fees'), 0) AS fees
    FROM entries e JOIN accounts a USING (account_id)
    WHERE e.transfer_id = t.transfer_id AND e.booked_at = t.booked_at
  ) e ON true
  WHERE (t.tenant_id COLLATE "C" = p.tenant_id AND t.kind COLLATE "C" = p.kind
      AND t.booked_at = p.booked_at AND t.account_id = p.account_id
      AND t.amount_minor = p.amount_minor AND t.currency = p.currency
      AND t.payment_id IS NOT DISTINCT FROM p.payment_id
      AND t.idempotency_key = concat(p.kind, ':', p.posting_id)
      AND t.reference_id = p.source_id::text
      AND e.accounts = concat(p.psp, ' and ', p.other_end,
        CASE WHEN p.charges_minor > 0 THEN ' and fees' END)
      AND e.fees = -p.charges_minor) IS NOT TRUE
    AND (t.transfer_id IS NOT NULL
      OR p.booked_at >= coalesce((SELECT max(kept_from) FROM detached_months), '-infinity'))`

// Idempotency keys are kept for at least 30 days, with the transfer's time. Rebuilt transfers have
// no fingerprint and no keys. One day is a margin for clocks and running transactions.
const againstKeys = (since: CheckpointPosition | undefined): string => `
  SELECT format('transfer %s of account %s (%s): key %s of client %s, %s', t.transfer_id,
    t.account_id, t.currency, t.idempotency_key, t.client_id,
    coalesce('which was recorded at ' || k.created_at, 'which is not recorded')) AS violation
  FROM transfers t
  LEFT JOIN idempotency_keys k ON k.tenant_id = t.tenant_id COLLATE "C"
    AND k.client_id = t.client_id COLLATE "C"
    AND k.idempotency_key = t.idempotency_key COLLATE "C"
  WHERE t.client_id IS NOT NULL AND t.fingerprint <> ''
    AND t.booked_at > now() - interval '29 days' AND t.booked_at >= ${timeOf(since)}
    AND k.created_at IS DISTINCT FROM t.booked_at`

/**
 * F1: the entries of every transfer sum to zero in each currency, match the transfer's kind,
 * amount, tenant and time, and its reference and idempotency key are recorded. E4: its entries have
 * its value date if that is not the day of posting.
 */
export const entriesSumToZero: Check = {
  name: 'entries_sum_to_zero',
  needs: ['wallets'],
  run: ({ wallets, since }) =>
    findViolations(
      wallets,
      `SELECT count(*) AS checked FROM transfers WHERE booked_at >= ${timeOf(since)}`,
      `WITH ${sums(since)} ${againstEntries(since)}`,
      againstReferences(since),
      againstPostings(since),
      againstKeys(since),
    ),
}

function listOf(kinds: readonly { kind: string }[]): string {
  return kinds.map(({ kind }) => `'${kind}'`).join(', ')
}
