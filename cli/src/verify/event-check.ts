import type { Check } from './check.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import { AGAINST_DETAILS } from './event-details.ts'
import { LISTED } from './findings.ts'
import { timeOf } from './since.ts'

// Events since a checkpoint; its digest has all that were written before. A transaction begins
// before it posts, so an event may be written before the time that its transfer is posted at.
function writtenSince(since: CheckpointPosition): string {
  const time = timeOf(since)
  return `o.id > ${since.outboxId}
        AND (date_trunc('milliseconds', o.created_at) >= ${time} OR p.occurred_at >= ${time})`
}

// The events of wallets.ledger that are still in the outbox, read as `json`: `jsonb` takes twice as
// long. Published rows are dropped with their partition of a million ids, so older transfers cannot
// be checked here.
const events = (since: CheckpointPosition | undefined): string => `
  ledger_events AS MATERIALIZED (
    SELECT o.id, date_trunc('milliseconds', o.created_at) AS emitted_at, p.*
    FROM outbox o
    CROSS JOIN LATERAL json_to_record(o.payload::json) AS p(event_type text,
      occurred_at timestamptz, tenant_id text, account_id uuid, currency text, transfer_id uuid,
      account_version bigint, amount_minor bigint, value_date date, entries json, hold json,
      payment_id uuid, corrects uuid, correction text, policy_version text, client_id text,
      idempotency_key text, reference_id text, reason text, change_id uuid, change text,
      revision bigint, status text, overdraft_limit_minor bigint, kind text, user_id uuid,
      wallet_id uuid, stripe smallint, psp text)
    WHERE o.topic = 'wallets.ledger'
      ${since === undefined ? '' : `AND ${writtenSince(since)}`}
      -- Release 0.1.0 wrote no entries; the service emits such an event again, complete (ADR 0022).
      AND (o.payload LIKE '%"entries"%' OR o.payload NOT LIKE '%"transfer_id"%')
  )`

// The outbox has a partition for each million ids.
const PARTITION_SIZE = 1_000_000n

// From where on every transfer must have an event. If no partition was dropped, that is since the
// first event (the outbox of a rebuilt ledger begins later than its transfers). Otherwise it is,
// for each account, since its first remaining event: outbox ids are assigned under the account's
// lock, so they are in the order of the account's versions.
const keptFrom = (since: CheckpointPosition | undefined): string => `
  kept_from AS (
    SELECT CASE WHEN to_regclass('outbox_${(since?.outboxId ?? 0n) / PARTITION_SIZE}') IS NOT NULL
      THEN ${since === undefined ? '(SELECT min(emitted_at) FROM ledger_events)' : timeOf(since)}
    END AS since
  ), first_events AS (
    SELECT account_id, min(revision) AS revision,
      min(CASE WHEN event_type = 'wallet.account.opened.committed' THEN 0 ELSE account_version END)
        AS version
    FROM ledger_events GROUP BY account_id
  )`

// The transfers, with their entries as an event spells them, so that nearly all are compared as
// text.
const posted = (since: CheckpointPosition | undefined): string => `
  posted AS MATERIALIZED (
    SELECT t.*, min(e.account_version) FILTER (WHERE e.account_id = t.account_id) AS version,
      '[' || string_agg(concat('{"account_id":"', e.account_id, '","balance":"', e.balance,
        '","amount_minor":"', e.amount_minor, '","balance_after_minor":"', e.balance_after_minor,
        '","account_version":', e.account_version, '}'), ',' ORDER BY e.line)
        FILTER (WHERE e.line IS NOT NULL) || ']' AS entries
    FROM transfers t LEFT JOIN entries e USING (transfer_id)
    WHERE t.booked_at >= ${timeOf(since)}
    GROUP BY t.transfer_id, t.booked_at
  ), must_have_event AS (
    SELECT b.transfer_id, b.account_id, b.currency, b.version FROM posted b
    LEFT JOIN first_events f USING (account_id)
    CROSS JOIN kept_from k
    WHERE b.version >= f.version OR b.booked_at >= k.since
  ), event_transfers AS (
    SELECT transfer_id, account_id, currency, account_version AS version,
      row_number() OVER (PARTITION BY transfer_id ORDER BY id) AS nth, entries::text AS entries
    FROM ledger_events WHERE transfer_id IS NOT NULL
  )`

/** SQL for entries of an event, whatever their spelling. */
function plain(entries: string): string {
  return `(
    SELECT string_agg(concat_ws(' ', p.value->>'account_id', p.value->>'balance',
      p.value->>'amount_minor', p.value->>'balance_after_minor', p.value->>'account_version'),
      ', ' ORDER BY p.place)
    FROM json_array_elements(${entries}::json) WITH ORDINALITY AS p(value, place)
  )`
}

// A transfer of a detached month is no longer in the ledger, but its event may still be here.
const TRANSFERS = `
  SELECT format('account %s (%s): transfer %s, version %s, has no event', b.account_id,
    b.currency, b.transfer_id, b.version) AS violation
  FROM must_have_event b LEFT JOIN event_transfers w USING (transfer_id)
  WHERE w.transfer_id IS NULL
  UNION ALL
  SELECT format('account %s (%s): an event names transfer %s, version %s, which %s', w.account_id,
    w.currency, w.transfer_id, w.version, CASE WHEN EXISTS (
      SELECT FROM transfers t WHERE t.transfer_id = w.transfer_id
    ) THEN 'is older and had its event' ELSE 'does not exist' END)
  FROM event_transfers w
  LEFT JOIN posted b USING (transfer_id)
  LEFT JOIN carried_balances c ON c.account_id = w.account_id
  WHERE b.transfer_id IS NULL AND w.version > coalesce(c.account_version, 0)
  UNION ALL
  SELECT format('account %s (%s): transfer %s has two events', account_id, currency,
    transfer_id)
  FROM event_transfers WHERE nth = 2
  UNION ALL
  SELECT format('account %s (%s): transfer %s has the entries %s, its event has %s', b.account_id,
    b.currency, transfer_id, ${plain('b.entries')}, ${plain('w.entries')})
  FROM posted b JOIN event_transfers w USING (transfer_id)
  WHERE b.account_id <> w.account_id OR b.version IS DISTINCT FROM w.version
    OR (b.entries IS DISTINCT FROM w.entries
      AND ${plain('b.entries')} IS DISTINCT FROM ${plain('w.entries')})`

const ACCOUNTS = `
  SELECT format('account %s (%s): %s, revision %s, has no event', c.account_id, a.currency,
    c.kind, c.revision)
  FROM account_changes c
  LEFT JOIN accounts a USING (account_id)
  LEFT JOIN first_events f ON f.account_id = c.account_id
  CROSS JOIN kept_from k
  WHERE (c.revision >= f.revision OR c.booked_at >= k.since)
    AND NOT EXISTS (SELECT FROM ledger_events w WHERE w.change_id = c.change_id)
  UNION ALL
  SELECT format('account %s (%s): its opening has no event', a.account_id, a.currency)
  FROM accounts a CROSS JOIN kept_from k
  WHERE a.opened_at >= k.since AND NOT EXISTS (
    SELECT FROM ledger_events w
    WHERE w.account_id = a.account_id AND w.event_type = 'wallet.account.opened.committed')`

/**
 * F3: every transfer has exactly one event of wallets.ledger with the same entries, and every event
 * has its transfer, so the versions in an account's events have no gap. Transfers, holds, accounts
 * and their changes match their events. Covers the events that are still in the outbox; `caudal
 * rebuild` covers all events of the log.
 */
export const eventsMatchLedger: Check = {
  name: 'events_match_ledger',
  needs: ['wallets'],
  // One statement, because parsing the events takes longer than all comparisons.
  async run({ wallets, since }) {
    type Row = { checked: bigint; violation: string | null; total: bigint | null }
    const { rows } = await wallets.query<Row>(
      `WITH ${events(since)}, ${keptFrom(since)}, ${posted(since)}, wrong AS (
         ${TRANSFERS} UNION ALL ${ACCOUNTS} UNION ALL ${AGAINST_DETAILS}
       )
       SELECT c.checked, w.violation, w.total
       FROM (SELECT count(*) AS checked FROM must_have_event) c
       LEFT JOIN (
         SELECT violation, count(*) OVER () AS total FROM wrong LIMIT ${LISTED}
       ) w ON true`,
    )
    return {
      checked: Number(rows[0]!.checked),
      violations: rows.flatMap(({ violation }) => violation ?? []),
      violation_count: Number(rows[0]!.total ?? 0),
    }
  },
}
