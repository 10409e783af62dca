import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { Tx } from '@caudal/postgres/types.ts'

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`

// The rows of old events, then their transfers with entries and hold. The time of a transfer is
// that of its event, so the entries of a chunk lie in one range of blocks. What a hold keeps after
// a transfer is its amount less what its transfers took until then.
const TRANSFERS = `
  WITH old AS MATERIALIZED (
    SELECT o.id, p.*
    FROM outbox o
    CROSS JOIN LATERAL jsonb_to_record(o.payload::jsonb) AS p(transfer_id uuid,
      occurred_at timestamptz, account_version bigint, available_minor bigint, held_minor bigint)
    WHERE o.id > $1 AND o.id <= $2 AND o.topic = $3 AND o.payload LIKE '%"transfer_id"%'
      AND o.payload NOT LIKE '%"entries"%'
  ), lines AS (
    SELECT e.transfer_id, jsonb_agg(jsonb_build_object('account_id', e.account_id,
      'balance', e.balance, 'amount_minor', e.amount_minor::text,
      'balance_after_minor', e.balance_after_minor::text,
      'account_version', e.account_version) ORDER BY e.line) AS entries
    FROM entries e
    WHERE e.booked_at BETWEEN (SELECT min(occurred_at) FROM old)
      AND (SELECT max(occurred_at) FROM old)
      AND e.transfer_id IN (SELECT transfer_id FROM old)
    GROUP BY e.transfer_id
  ), holding AS (
    SELECT o.transfer_id, h.hold_id, h.status, h.amount_minor, h.amount_minor - coalesce((
      SELECT -sum(e.amount_minor)
      FROM entries e JOIN transfers u ON u.transfer_id = e.transfer_id AND u.booked_at = e.booked_at
      WHERE e.account_id = h.account_id AND e.account_version <= o.account_version
        AND e.balance = 'held' AND u.hold_id = h.hold_id AND u.kind <> 'hold'), 0) AS remaining
    FROM old o
    JOIN transfers t ON t.transfer_id = o.transfer_id AND t.booked_at = o.occurred_at
    JOIN holds h ON h.hold_key = coalesce(t.payment_id, t.hold_id) AND h.hold_id = t.hold_id
  ), events AS (
    SELECT o.id, gen_random_uuid() AS event_id, t.account_id, jsonb_strip_nulls(jsonb_build_object(
      'event_type', format('wallet.%s.committed', t.kind), 'schema_version', $4::text,
      'occurred_at', to_char(t.booked_at AT TIME ZONE 'UTC', ${TIME}), 'region', $5::text,
      'actor', CASE WHEN t.client_id IS NULL
        THEN jsonb_build_object('type', 'system', 'id', 'wallets')
        ELSE jsonb_build_object('type', 'client', 'id', t.client_id) END,
      'tenant_id', t.tenant_id, 'account_id', t.account_id, 'transfer_id', t.transfer_id,
      'amount_minor', t.amount_minor, 'currency', t.currency, 'reference_id', t.reference_id,
      'idempotency_key', t.idempotency_key, 'reason', t.reason, 'value_date', t.value_date,
      'account_version', o.account_version, 'available_minor', o.available_minor,
      'held_minor', o.held_minor, 'entries', l.entries, 'client_id', t.client_id,
      'payment_id', t.payment_id, 'corrects', t.corrects_id,
      'hold', CASE WHEN h.hold_id IS NOT NULL THEN jsonb_build_object('hold_id', h.hold_id,
        'status', CASE WHEN h.remaining > 0 THEN 'open' ELSE h.status END,
        'amount_minor', h.amount_minor::text, 'remaining_minor', h.remaining::text) END
    )) AS event
    FROM old o
    JOIN transfers t ON t.transfer_id = o.transfer_id AND t.booked_at = o.occurred_at
    JOIN lines l ON l.transfer_id = t.transfer_id
    LEFT JOIN holding h ON h.transfer_id = t.transfer_id
  )
  INSERT INTO outbox (event_id, topic, record_key, payload, headers)
  SELECT event_id, $3, account_id, event || jsonb_build_object('event_id', event_id), '{}'
  FROM events ORDER BY id`

/**
 * Emits complete events for the transfers whose events in this range of the outbox lack entries, in
 * their order. Returns how many. A transfer of a detached month is left out: its entries are gone.
 */
export async function insertCompleteTransfers(
  tx: Tx,
  range: { after: bigint; to: bigint },
  region: string,
): Promise<number> {
  const version = schemaVersionOf('wallet.credit.committed')
  const { rowCount } = await tx.query({
    text: TRANSFERS,
    values: [range.after, range.to, TOPICS.ledger, version, region],
  })
  return rowCount ?? 0
}

const OPENINGS = `
  WITH events AS (
    SELECT gen_random_uuid() AS event_id, a.account_id, jsonb_strip_nulls(jsonb_build_object(
      'event_type', 'wallet.account.opened.committed', 'schema_version', $2::text,
      'occurred_at', to_char(a.opened_at AT TIME ZONE 'UTC', ${TIME}), 'region', $3::text,
      'actor', jsonb_build_object('type', 'system', 'id', 'wallets'), 'tenant_id', a.tenant_id,
      'account_id', a.account_id, 'currency', a.currency, 'status', 'open', 'revision', 0,
      'kind', a.kind, 'wallet_id', a.wallet_id, 'user_id', a.user_id, 'stripe', a.stripe,
      'psp', a.psp
    )) || jsonb_build_object('overdraft_limit_minor', CASE WHEN a.kind = 'wallet' THEN '0' END)
      AS event
    FROM accounts a
    WHERE NOT EXISTS (
      SELECT FROM outbox o WHERE o.record_key = a.account_id::text AND o.topic = $1
        AND o.payload LIKE '%"wallet.account.opened.committed"%')
  )
  INSERT INTO outbox (event_id, topic, record_key, payload, headers)
  SELECT event_id, $1, account_id, event || jsonb_build_object('event_id', event_id), '{}'
  FROM events`

/** Emits the opening of every account that has no such event in the outbox. Returns how many. */
export async function insertMissingOpenings(tx: Tx, region: string): Promise<number> {
  const version = schemaVersionOf('wallet.account.opened.committed')
  const { rowCount } = await tx.query({ text: OPENINGS, values: [TOPICS.ledger, version, region] })
  return rowCount ?? 0
}
