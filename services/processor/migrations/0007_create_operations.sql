-- Refunds and voids at the PSP: one row for each operation, with the columns of `payments` for its
-- state and progress. A table of its own, because release 0.1.0, which may run beside this one,
-- sends every due row of `payments` as a payment.
CREATE TABLE operations (
  -- Also its idempotency key at the PSP.
  operation_id uuid NOT NULL,
  kind text NOT NULL,
  -- The refund that it carries out, and its number among the operations of it: a refund follows
  -- where a void is declined because the payment has settled.
  request_id uuid NOT NULL,
  sequence integer NOT NULL,
  tenant_id text NOT NULL,
  -- Empty, like all facts below, in the row of a refund that was canceled before it was known here.
  payment_id uuid,
  account_id uuid,
  user_id uuid,
  amount_minor bigint,
  currency text,
  destination_bank text NOT NULL DEFAULT '',
  -- The PSP's id of the payment.
  gateway_transaction_id text,
  requested_at timestamptz,
  -- The bytes of every request, frozen with the row (rule 9).
  request_body bytea,
  traceparent text,
  status text NOT NULL,
  step text,
  due_at timestamptz,
  attempt_number integer NOT NULL DEFAULT 0,
  attempt_deadline_at timestamptz,
  failure_count integer NOT NULL DEFAULT 0,
  may_have_left boolean NOT NULL DEFAULT false,
  unproven boolean NOT NULL DEFAULT false,
  query_count integer NOT NULL DEFAULT 0,
  gateway_response jsonb,
  reason text,
  psp text,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  in_doubt_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT operations_are_recorded_once PRIMARY KEY (operation_id),
  CONSTRAINT operations_of_a_request_are_numbered UNIQUE (request_id, sequence),
  CONSTRAINT operations_sequence_is_positive CHECK (sequence > 0),
  CONSTRAINT operations_kind_is_known CHECK (kind IN ('refund', 'void')),
  CONSTRAINT operations_have_facts_unless_canceled CHECK (reason = 'canceled' OR num_nulls(
    payment_id, account_id, user_id, amount_minor, currency, requested_at, request_body) = 0),
  CONSTRAINT operations_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT operations_status_is_known
    CHECK (status IN ('PENDING', 'IN_DOUBT', 'COMPLETED', 'FAILED')),
  CONSTRAINT operations_step_is_known CHECK (step IN ('send', 'await', 'query')),
  CONSTRAINT operations_go_on_until_they_are_over
    CHECK ((status IN ('COMPLETED', 'FAILED')) = (step IS NULL)),
  CONSTRAINT operations_step_has_a_time CHECK ((step IS NULL) = (due_at IS NULL)),
  CONSTRAINT operations_failed_have_a_reason CHECK ((status = 'FAILED') = (reason IS NOT NULL)),
  CONSTRAINT operations_are_sent_with_a_psp CHECK (attempt_number = 0 OR psp IS NOT NULL),
  CONSTRAINT operations_canceled_were_never_sent
    CHECK (reason IS DISTINCT FROM 'canceled' OR attempt_number = 0),
  CONSTRAINT operations_psp_is_a_name CHECK (psp ~ '^[a-z][a-z0-9_]{0,31}$'),
  CONSTRAINT operations_unproven_may_have_left CHECK (may_have_left OR NOT unproven),
  CONSTRAINT operations_fail_unproven_only_by_a_verdict
    CHECK (status <> 'FAILED' OR NOT unproven OR reason = 'gateway_declined')
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX operations_due ON operations (step, due_at) WHERE step IS NOT NULL;
CREATE INDEX operations_due_by_bank ON operations (step, tenant_id, destination_bank, due_at)
  WHERE step IN ('send', 'query');
CREATE INDEX operations_in_doubt ON operations (in_doubt_at) WHERE status = 'IN_DOUBT';
CREATE INDEX operations_of_payments ON operations (payment_id);

-- Every request, written before it is sent: SENDING means "may have left".
CREATE TABLE operation_attempts (
  operation_id uuid NOT NULL,
  number integer NOT NULL,
  status text NOT NULL,
  sending_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  deadline_at timestamptz NOT NULL,
  answered_at timestamptz,
  http_status smallint,
  answer_body bytea,
  latency_ms integer,
  error_class text,
  CONSTRAINT operation_attempts_are_numbered PRIMARY KEY (operation_id, number),
  CONSTRAINT operation_attempts_number_is_positive CHECK (number > 0),
  CONSTRAINT operation_attempts_status_is_known CHECK (status IN ('SENDING', 'APPROVED',
    'DECLINED', 'ACCEPTED', 'UNAVAILABLE', 'RATE_LIMITED', 'MISCONFIGURED', 'UNKNOWN',
    'NOT_SENT')),
  CONSTRAINT operation_attempts_sending_have_no_answer
    CHECK ((status = 'SENDING') = (answered_at IS NULL)),
  CONSTRAINT operation_attempts_answer_is_bounded CHECK (octet_length(answer_body) <= 4096)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

-- Every answer, or lack of one, to the question what became of an operation.
CREATE TABLE operation_queries (
  operation_id uuid NOT NULL,
  number integer NOT NULL,
  answer text NOT NULL,
  answered_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  http_status smallint,
  answer_body bytea,
  latency_ms integer NOT NULL,
  error_class text,
  CONSTRAINT operation_queries_are_numbered PRIMARY KEY (operation_id, number),
  CONSTRAINT operation_queries_answer_is_known
    CHECK (answer IN ('approved', 'failed', 'pending', 'not_found', 'unknown')),
  CONSTRAINT operation_queries_answer_is_bounded CHECK (octet_length(answer_body) <= 4096)
);

-- The PSP's id of each refund or void that it approved. One id proves one operation (ADR 0023).
CREATE TABLE operation_transactions (
  psp text NOT NULL,
  gateway_transaction_id text NOT NULL,
  operation_id uuid NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT operation_transactions_prove_one PRIMARY KEY (psp, gateway_transaction_id),
  CONSTRAINT operation_transactions_id_is_visible
    CHECK (gateway_transaction_id ~ '^[!-~]{1,255}$')
);

-- What was agreed or asked for never changes, and nothing is deleted.
GRANT SELECT, INSERT ON operations, operation_attempts TO caudal_app;
GRANT UPDATE (status, step, due_at, attempt_number, attempt_deadline_at, failure_count,
  may_have_left, unproven, query_count, gateway_response, reason, psp, in_doubt_at, finished_at)
  ON operations TO caudal_app;
GRANT UPDATE (status, answered_at, http_status, answer_body, latency_ms, error_class)
  ON operation_attempts TO caudal_app;
GRANT SELECT, INSERT ON operation_queries, operation_transactions TO caudal_app;
