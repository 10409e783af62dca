import type { Check } from './check.ts'
import { AGAINST_DETAILS } from './told-details.ts'

// What the outbox still has of wallets.ledger. Published rows leave with their partition of a
// million ids, so of older bookings nothing is known here.
const TOLD = `
  told AS MATERIALIZED (
    SELECT o.id, date_trunc('milliseconds', o.created_at) AS told_at, p.*
    FROM outbox o
    CROSS JOIN LATERAL jsonb_to_record(o.payload::jsonb) AS p(event_type text,
      occurred_at timestamptz, tenant_id text, account_id uuid, currency text, transfer_id uuid,
      account_version bigint, amount_minor bigint, value_date date, entries jsonb, hold jsonb,
      payment_id uuid, corrects uuid, client_id text, idempotency_key text, reference_id text,
      reason text, change_id uuid, change text, revision bigint, status text,
      overdraft_limit_minor bigint, kind text, user_id uuid, wallet_id uuid, stripe smallint)
    WHERE o.topic = 'wallets.ledger'
  )`

// From where on everything must be there. While no partition has left, that is whatever was booked
// since the first event (a rebuilt ledger has an outbox that begins later than its books). Else it
// is, of each account, what follows its first event that is kept: ids are taken under the account's
// lock, so they are in the order of its versions.
const KEPT = `
  kept_from AS (
    SELECT min(told_at) AS since FROM told WHERE to_regclass('outbox_0') IS NOT NULL
  ), first_told AS (
    SELECT account_id, min(revision) AS revision,
      min(CASE WHEN event_type = 'wallet.account.opened.committed' THEN 0 ELSE account_version END)
        AS version
    FROM told GROUP BY account_id
  )`

const BOOKED = `
  booked AS (
    SELECT t.transfer_id, t.account_id, t.currency, t.booked_at,
      min(e.account_version) FILTER (WHERE e.account_id = t.account_id) AS version,
      string_agg(concat_ws(' ', e.account_id, e.balance, e.amount_minor, e.balance_after_minor,
        e.account_version), ', ' ORDER BY e.line) AS entries
    FROM transfers t LEFT JOIN entries e USING (transfer_id)
    GROUP BY t.transfer_id, t.account_id, t.currency, t.booked_at
  ), must_be_told AS (
    SELECT b.* FROM booked b
    LEFT JOIN first_told f USING (account_id)
    CROSS JOIN kept_from k
    WHERE b.version >= f.version OR b.booked_at >= k.since
  ), told_transfers AS (
    SELECT t.transfer_id, t.account_id, t.currency, t.account_version AS version,
      row_number() OVER (PARTITION BY t.transfer_id ORDER BY t.id) AS nth, e.entries
    FROM told t
    CROSS JOIN LATERAL (
      SELECT string_agg(concat_ws(' ', p.value->>'account_id', p.value->>'balance',
        p.value->>'amount_minor', p.value->>'balance_after_minor', p.value->>'account_version'),
        ', ' ORDER BY p.place) AS entries
      FROM jsonb_array_elements(t.entries) WITH ORDINALITY AS p(value, place)
    ) e
    WHERE t.transfer_id IS NOT NULL
  )`

// A transfer of a detached month is not in the books any more, its event may be.
const TRANSFERS = `
  SELECT format('account %s (%s): transfer %s, version %s, is told by no event', b.account_id,
    b.currency, b.transfer_id, b.version) AS violation
  FROM must_be_told b LEFT JOIN told_transfers w USING (transfer_id)
  WHERE w.transfer_id IS NULL
  UNION ALL
  SELECT format('account %s (%s): an event tells of transfer %s, version %s, which is not booked',
    w.account_id, w.currency, w.transfer_id, w.version)
  FROM told_transfers w
  LEFT JOIN booked b USING (transfer_id)
  LEFT JOIN carried_balances c ON c.account_id = w.account_id
  WHERE b.transfer_id IS NULL AND w.version > coalesce(c.account_version, 0)
  UNION ALL
  SELECT format('account %s (%s): transfer %s is told by two events', account_id, currency,
    transfer_id)
  FROM told_transfers WHERE nth = 2
  UNION ALL
  SELECT format('account %s (%s): transfer %s has the entries %s, its event says %s', b.account_id,
    b.currency, transfer_id, b.entries, w.entries)
  FROM booked b JOIN told_transfers w USING (transfer_id)
  WHERE b.entries IS DISTINCT FROM w.entries OR b.account_id <> w.account_id
    OR b.version IS DISTINCT FROM w.version`

const ACCOUNTS = `
  SELECT format('account %s (%s): %s, revision %s, is told by no event', c.account_id, a.currency,
    c.kind, c.revision)
  FROM account_changes c
  LEFT JOIN accounts a USING (account_id)
  LEFT JOIN first_told f ON f.account_id = c.account_id
  CROSS JOIN kept_from k
  WHERE (c.revision >= f.revision OR c.booked_at >= k.since)
    AND NOT EXISTS (SELECT FROM told w WHERE w.change_id = c.change_id)
  UNION ALL
  SELECT format('account %s (%s) was opened, which is told by no event', a.account_id, a.currency)
  FROM accounts a CROSS JOIN kept_from k
  WHERE a.opened_at >= k.since AND NOT EXISTS (
    SELECT FROM told w
    WHERE w.account_id = a.account_id AND w.event_type = 'wallet.account.opened.committed')`

/**
 * F3: every booking is told once by an event of wallets.ledger, with the same entries, and nothing
 * else is: so the versions that are told of an account have no gap. Transfers, holds, accounts and
 * their changes are what their events say. Of what has left the outbox only the log knows; `caudal
 * rebuild` proves that.
 */
export const ledgerIsTold: Check = {
  name: 'ledger_is_told',
  needs: ['wallets'],
  // One statement: to read what the events say takes longer than all that is done with it.
  async run({ wallets }) {
    const { rows } = await wallets.query<{ checked: bigint; violation: string | null }>(
      `WITH ${TOLD}, ${KEPT}, ${BOOKED}, wrong AS (
         ${TRANSFERS} UNION ALL ${ACCOUNTS} UNION ALL ${AGAINST_DETAILS}
       )
       SELECT c.checked, w.violation
       FROM (SELECT count(*) AS checked FROM must_be_told) c LEFT JOIN wrong w ON true`,
    )
    return {
      checked: Number(rows[0]!.checked),
      violations: rows.flatMap(({ violation }) => violation ?? []),
    }
  },
}
