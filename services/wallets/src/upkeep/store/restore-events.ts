import type { Tx } from '@caudal/postgres/types.ts'

// What is there already is left as it is: the log may deliver twice, in any order of accounts.
// Amounts are read by the database, from the texts of the events, so that no digit is lost.
const TRANSFERS = `
  WITH stated AS (
    SELECT DISTINCT ON (transfer_id) *, split_part(event_type, '.', 2) AS kind,
      (hold->>'hold_id')::uuid AS hold_id
    FROM jsonb_to_recordset($1::jsonb) AS t(event_type text, occurred_at timestamptz,
      tenant_id text, account_id uuid, transfer_id uuid, amount_minor bigint, currency text,
      reference_id text, idempotency_key text, reason text, value_date date,
      account_version bigint, entries jsonb, hold jsonb, client_id text, payment_id uuid,
      corrects uuid, correction text, policy_version text, posting jsonb)
    WHERE transfer_id IS NOT NULL
  ), new_transfers AS (
    INSERT INTO transfers (booked_at, amount_minor, transfer_id, account_id, payment_id, hold_id,
      value_date, kind, tenant_id, currency, client_id, idempotency_key, fingerprint, reference_id,
      reason, corrects_id, correction, policy_version)
    SELECT occurred_at, amount_minor, transfer_id, account_id, payment_id, hold_id, value_date,
      kind, tenant_id, currency, client_id, idempotency_key, '', reference_id, reason, corrects,
      correction, policy_version
    FROM stated
    ON CONFLICT (transfer_id, booked_at) DO NOTHING
    RETURNING transfer_id
  ), new_entries AS (
    INSERT INTO entries (booked_at, amount_minor, account_version, account_id, transfer_id, balance,
      line, tenant_id, balance_after_minor, value_date)
    SELECT t.occurred_at, (e.value->>'amount_minor')::bigint,
      (e.value->>'account_version')::bigint, (e.value->>'account_id')::uuid, t.transfer_id,
      (e.value->>'balance')::balance_name, e.place - 1, t.tenant_id,
      (e.value->>'balance_after_minor')::numeric,
      nullif(t.value_date, (t.occurred_at AT TIME ZONE 'UTC')::date)
    FROM stated t JOIN new_transfers USING (transfer_id)
    CROSS JOIN LATERAL jsonb_array_elements(t.entries) WITH ORDINALITY AS e(value, place)
  ), new_references AS (
    INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
    SELECT transfer_id, tenant_id, kind, reference_id
    FROM stated t JOIN new_transfers USING (transfer_id)
    WHERE client_id IS NOT NULL OR (hold_id IS NULL AND posting IS NULL)
  ), new_psp_postings AS (
    INSERT INTO psp_postings (booked_at, amount_minor, charges_minor, posting_id, transfer_id,
      account_id, source_id, payment_id, tenant_id, kind, source_type, psp, currency, other_end,
      fingerprint)
    SELECT t.occurred_at, t.amount_minor, coalesce((posting->>'charges_minor')::bigint, 0),
      (posting->>'posting_id')::uuid, t.transfer_id,
      t.account_id, (posting->'source'->>'id')::uuid, t.payment_id, t.tenant_id, t.kind,
      posting->'source'->>'type', posting->>'psp', t.currency, posting->>'end', ''
    FROM stated t JOIN new_transfers USING (transfer_id)
    WHERE posting IS NOT NULL
  ), last_of_hold AS (
    SELECT DISTINCT ON (hold_id) *, min(occurred_at) OVER of_hold AS made_at,
      min(client_id) FILTER (WHERE transfer_id = hold_id) OVER of_hold AS made_by
    FROM stated WHERE hold_id IS NOT NULL
    WINDOW of_hold AS (PARTITION BY hold_id) ORDER BY hold_id, account_version DESC
  ), new_holds AS (
    INSERT INTO holds AS h (hold_id, payment_id, account_id, amount_minor, remaining_minor,
      created_at, changed_at, tenant_id, currency, status, expires_at, client_id)
    SELECT hold_id, payment_id, account_id, (hold->>'amount_minor')::bigint,
      (hold->>'remaining_minor')::bigint, made_at, occurred_at, tenant_id, currency,
      hold->>'status', (hold->>'expires_at')::timestamptz, made_by
    FROM last_of_hold
    ON CONFLICT (hold_key) DO UPDATE SET remaining_minor = excluded.remaining_minor,
      status = excluded.status, changed_at = excluded.changed_at
    -- A hold only ever loses: an event by which it keeps more is a late repeat.
    WHERE h.remaining_minor > excluded.remaining_minor
  )
  SELECT (SELECT count(*) FROM new_transfers) AS transfers`

const ACCOUNTS = `
  WITH stated AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(event_type text, occurred_at timestamptz,
      tenant_id text, account_id uuid, currency text, kind text, status text, wallet_id uuid,
      user_id uuid, stripe smallint, psp text, overdraft_limit_minor bigint, revision bigint,
      change text, change_id uuid, client_id text, reference_id text, idempotency_key text,
      reason text, actor jsonb)
    WHERE event_type LIKE 'wallet.account.%'
  ), opened AS (
    INSERT INTO accounts (account_id, opened_at, tenant_id, currency, kind, wallet_id, user_id,
      stripe, psp, overdraft_limit_minor)
    SELECT DISTINCT ON (account_id) account_id, occurred_at, tenant_id, currency, kind, wallet_id,
      user_id, stripe, psp, overdraft_limit_minor
    FROM stated WHERE change_id IS NULL
    ON CONFLICT (account_id) DO NOTHING
  ), changed AS (
    INSERT INTO account_changes (booked_at, revision, overdraft_limit_minor, change_id, account_id,
      kind, status, tenant_id, client_id, idempotency_key, fingerprint, reference_id, reason,
      actor_type, actor_id)
    SELECT DISTINCT ON (change_id) occurred_at, revision, overdraft_limit_minor, change_id,
      account_id, change, status, tenant_id, client_id, idempotency_key, ''::bytea, reference_id,
      reason, actor->>'type', actor->>'id'
    FROM stated WHERE change_id IS NOT NULL
    ON CONFLICT (account_id, revision) DO NOTHING
    RETURNING change_id, tenant_id, kind, reference_id
  )
  INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
  SELECT change_id, tenant_id, kind, reference_id FROM changed`

/**
 * Puts what events of wallets.ledger state into the tables, and returns how many transfers were
 * new. `values` are the events as JSON, in the form of this release.
 */
export async function restoreEvents(tx: Tx, values: readonly string[]): Promise<number> {
  const events = `[${values.join(',')}]`
  await tx.query({ text: ACCOUNTS, values: [events] })
  const { rows } = await tx.query<{ transfers: bigint }>({ text: TRANSFERS, values: [events] })
  return Number(rows[0]!.transfers)
}
