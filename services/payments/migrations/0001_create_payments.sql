-- A payment and where it stands. Narrow: what it was asked with is in the event log.
CREATE TABLE payments (
  payment_id uuid NOT NULL,
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  account_id uuid NOT NULL,
  external_order_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  service_name text NOT NULL,
  status text NOT NULL,
  -- Changes only when the payment fails. The index below looks at this instead of the status, so
  -- that the steps in between touch no index and stay on their page.
  order_freed boolean NOT NULL DEFAULT false,
  -- The verdict as soon as it is known; shown with FAILED only.
  reason text,
  gateway_response jsonb,
  -- A W3C trace id has the 16 bytes of a UUID.
  trace_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  reserved_at timestamptz,
  in_doubt_at timestamptz,
  finalized_at timestamptz,
  CONSTRAINT payments_have_one_row_each PRIMARY KEY (payment_id),
  CONSTRAINT payments_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT payments_status_is_known
    CHECK (status IN ('PENDING', 'RESERVED', 'IN_DOUBT', 'COMPLETED', 'FAILED')),
  CONSTRAINT payments_reason_is_known CHECK (reason IN (
    'insufficient_funds', 'account_not_found', 'account_frozen', 'currency_mismatch',
    'gateway_declined', 'gateway_unavailable', 'gateway_unreachable', 'circuit_open')),
  CONSTRAINT payments_free_the_order_by_failing CHECK (order_freed = (status = 'FAILED')),
  CONSTRAINT payments_fail_for_a_reason CHECK (status <> 'FAILED' OR reason IS NOT NULL),
  CONSTRAINT payments_complete_without_a_reason CHECK (status <> 'COMPLETED' OR reason IS NULL),
  CONSTRAINT payments_are_final_at_a_time
    CHECK ((finalized_at IS NOT NULL) = (status IN ('COMPLETED', 'FAILED')))
) WITH (fillfactor = 70);

-- One order is paid at most once, whatever the keys (P2).
CREATE UNIQUE INDEX payments_occupy_an_order_alone
  ON payments (external_order_id, tenant_id) WHERE NOT order_freed;

CREATE INDEX payments_of_a_user_by_time
  ON payments (user_id, tenant_id, created_at, payment_id);

-- The few that are under way, for the metric of those that take too long.
CREATE INDEX payments_under_way ON payments (created_at) WHERE finalized_at IS NULL;

-- What a key is bound to: the answer's bytes (F2). Never changed, not partitioned (rule 8).
CREATE TABLE idempotency_keys (
  tenant_id text NOT NULL,
  -- The principal: whoever the payment is made for.
  user_id uuid NOT NULL,
  idempotency_key uuid NOT NULL,
  -- SHA-256 of the request.
  fingerprint bytea NOT NULL,
  http_status smallint NOT NULL,
  body text NOT NULL,
  -- Of the payment that was accepted; none for a refusal.
  payment_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_keys_are_bound_once PRIMARY KEY (user_id, idempotency_key, tenant_id),
  CONSTRAINT idempotency_keys_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  CONSTRAINT idempotency_keys_status_is_bindable CHECK (http_status IN (202, 409, 422)),
  CONSTRAINT idempotency_keys_name_what_was_accepted
    CHECK ((payment_id IS NOT NULL) = (http_status = 202))
);

GRANT SELECT, INSERT ON payments, idempotency_keys TO caudal_app;
-- What was agreed can never be changed, only where the payment stands.
GRANT UPDATE (status, order_freed, reason, gateway_response, updated_at, reserved_at, in_doubt_at,
  finalized_at) ON payments TO caudal_app;
