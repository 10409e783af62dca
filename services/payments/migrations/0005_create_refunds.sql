-- What of a payment came back, as sums: changed with the rows behind them, under the payment's row
-- lock. No index has these columns, so the steps of a payment still stay on their page. The release
-- before neither reads nor writes them.
ALTER TABLE payments
  -- The PSP that was paid; NULL means `main` or not paid.
  ADD COLUMN psp text,
  -- Of refunds that are credited.
  ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0,
  -- Of refunds and returns that are under way.
  ADD COLUMN pending_minor bigint NOT NULL DEFAULT 0,
  -- Of returns that are credited.
  ADD COLUMN returned_minor bigint NOT NULL DEFAULT 0,
  DROP CONSTRAINT payments_reason_is_known,
  ADD CONSTRAINT payments_reason_is_known CHECK (reason IN (
    'insufficient_funds', 'account_not_found', 'account_frozen', 'currency_mismatch',
    'gateway_declined', 'gateway_unavailable', 'gateway_unreachable', 'circuit_open',
    'canceled')) NOT VALID,
  ADD CONSTRAINT payments_sums_are_not_negative
    CHECK (least(refunded_minor, pending_minor, returned_minor) >= 0) NOT VALID,
  ADD CONSTRAINT payments_give_back_what_was_captured_at_most
    CHECK (amount_minor - refunded_minor - pending_minor - returned_minor >= 0) NOT VALID;

GRANT UPDATE (psp, refunded_minor, pending_minor, returned_minor) ON payments TO caudal_app;

-- A refund and what is known of it. The times are facts, each written once; the status follows
-- from them, so that it does not depend on the order in which they arrive.
CREATE TABLE refunds (
  refund_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  account_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  -- Who asked for it: a client; nobody here, since it was found at the PSP; or we, since the PSP
  -- moved money of a payment that had failed.
  origin text NOT NULL,
  cause text NOT NULL,
  -- The client's, as it was sent.
  metadata json NOT NULL,
  trace_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  status text NOT NULL,
  failure_reason text,
  -- Counts the states, from 1.
  version integer NOT NULL,
  psp text,
  gateway_response jsonb,
  updated_at timestamptz NOT NULL,
  submitted_at timestamptz,
  in_doubt_at timestamptz,
  -- The PSP gave the money back.
  approved_at timestamptz,
  -- It did not: failed, or canceled if there is no reason.
  refused_at timestamptz,
  -- The ledger booked the money, and where.
  credited_at timestamptz,
  credited_to text,
  -- The PSP took the money back, and where the ledger took it from.
  reversed_at timestamptz,
  recaptured_at timestamptz,
  recaptured_from text,
  CONSTRAINT refunds_have_one_row_each PRIMARY KEY (refund_id),
  CONSTRAINT refunds_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT refunds_origin_is_known CHECK (origin IN ('client', 'psp', 'late_capture')),
  CONSTRAINT refunds_status_is_known CHECK (status IN (
    'PENDING', 'SUBMITTED', 'IN_DOUBT', 'SUCCEEDED', 'FAILED', 'CANCELED', 'REVERSED')),
  CONSTRAINT refunds_fail_for_a_reason CHECK (status <> 'FAILED' OR failure_reason IS NOT NULL),
  CONSTRAINT refunds_version_is_positive CHECK (version > 0),
  CONSTRAINT refunds_are_credited_somewhere
    CHECK ((credited_at IS NULL) = (credited_to IS NULL)),
  CONSTRAINT refunds_are_recaptured_from_somewhere
    CHECK ((recaptured_at IS NULL) = (recaptured_from IS NULL)),
  CONSTRAINT refunds_succeed_when_credited
    CHECK ((status IN ('SUCCEEDED', 'REVERSED')) = (credited_at IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX refunds_of_a_payment_by_time ON refunds (payment_id, created_at, refund_id);

GRANT SELECT, INSERT ON refunds TO caudal_app;
-- What was asked for can never be changed, only what became of it.
GRANT UPDATE (status, failure_reason, version, psp, gateway_response, updated_at, submitted_at,
  in_doubt_at, approved_at, refused_at, credited_at, credited_to, reversed_at, recaptured_at,
  recaptured_from) ON refunds TO caudal_app;

-- What a client's key is bound to: the answer's bytes (F2). Never changed.
CREATE TABLE refund_keys (
  tenant_id text NOT NULL,
  client_id text NOT NULL,
  idempotency_key uuid NOT NULL,
  -- SHA-256 of the request.
  fingerprint bytea NOT NULL,
  http_status smallint NOT NULL,
  body text NOT NULL,
  -- The refund that was accepted; none for a refusal.
  refund_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT refund_keys_are_bound_once PRIMARY KEY (client_id, idempotency_key, tenant_id),
  CONSTRAINT refund_keys_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  CONSTRAINT refund_keys_status_is_bindable CHECK (http_status IN (202, 409, 422)),
  CONSTRAINT refund_keys_name_what_was_accepted
    CHECK ((refund_id IS NOT NULL) = (http_status = 202))
);

CREATE INDEX refund_keys_by_age ON refund_keys
  USING brin (created_at) WITH (autosummarize = on);

GRANT SELECT, INSERT ON refund_keys TO caudal_app;

-- As before, and the keys of refunds too; `at_most` counts for each table.
CREATE OR REPLACE FUNCTION drop_old_idempotency_keys(keep_days integer, at_most integer)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  oldest CONSTANT timestamptz := now() - make_interval(days => greatest(keep_days, 30));
  dropped integer;
  dropped_of_refunds integer;
BEGIN
  DELETE FROM idempotency_keys
  WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < oldest LIMIT at_most
    FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS dropped = ROW_COUNT;
  DELETE FROM refund_keys
  WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM refund_keys WHERE created_at < oldest LIMIT at_most
    FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS dropped_of_refunds = ROW_COUNT;
  RETURN dropped + dropped_of_refunds;
END
$$;
