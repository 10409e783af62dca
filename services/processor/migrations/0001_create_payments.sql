-- One row per payment at the PSP. It is the whole truth about what comes next: `step` and `due_at`
-- are a queue that any instance may serve; timers in memory are only hints.
CREATE TABLE payments (
  payment_id uuid NOT NULL,
  tenant_id text NOT NULL,
  account_id uuid NOT NULL,
  user_id uuid NOT NULL,
  wallet_transaction_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  -- The bytes of every request to pay, frozen with the row (design: rule 9).
  request_body bytea NOT NULL,
  traceparent text,
  status text NOT NULL,
  -- send a request, await the answer to one, query the status; null once it is over.
  step text,
  due_at timestamptz,
  attempt_number integer NOT NULL,
  attempt_deadline_at timestamptz,
  failure_count integer NOT NULL DEFAULT 0,
  -- Some request may have reached the PSP.
  may_have_left boolean NOT NULL DEFAULT false,
  -- Some request that may have reached it was never answered with the PSP's own `failed`.
  unproven boolean NOT NULL DEFAULT false,
  query_count integer NOT NULL DEFAULT 0,
  gateway_response jsonb,
  reason text,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  in_doubt_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT payments_are_recorded_once PRIMARY KEY (payment_id),
  CONSTRAINT payments_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT payments_status_is_known
    CHECK (status IN ('PENDING', 'IN_DOUBT', 'COMPLETED', 'FAILED')),
  CONSTRAINT payments_step_is_known CHECK (step IN ('send', 'await', 'query')),
  CONSTRAINT payments_go_on_until_they_are_over
    CHECK ((status IN ('COMPLETED', 'FAILED')) = (step IS NULL)),
  CONSTRAINT payments_step_has_a_time CHECK ((step IS NULL) = (due_at IS NULL)),
  CONSTRAINT payments_failed_have_a_reason CHECK ((status = 'FAILED') = (reason IS NOT NULL)),
  CONSTRAINT payments_unproven_may_have_left CHECK (may_have_left OR NOT unproven),
  CONSTRAINT payments_fail_unproven_only_by_a_verdict
    CHECK (status <> 'FAILED' OR NOT unproven OR reason = 'gateway_declined')
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX payments_due ON payments (step, due_at) WHERE step IS NOT NULL;
CREATE INDEX payments_in_doubt ON payments (in_doubt_at) WHERE status = 'IN_DOUBT';

-- Every request to pay, written before it is sent: SENDING means "may have left".
CREATE TABLE attempts (
  payment_id uuid NOT NULL,
  number integer NOT NULL,
  status text NOT NULL,
  sending_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  -- Not written to a socket after this, nor waited for.
  deadline_at timestamptz NOT NULL,
  answered_at timestamptz,
  http_status smallint,
  answer_body bytea,
  latency_ms integer,
  error_class text,
  CONSTRAINT attempts_are_numbered PRIMARY KEY (payment_id, number),
  CONSTRAINT attempts_number_is_positive CHECK (number > 0),
  CONSTRAINT attempts_status_is_known CHECK (status IN ('SENDING', 'APPROVED', 'DECLINED',
    'UNAVAILABLE', 'RATE_LIMITED', 'MISCONFIGURED', 'UNKNOWN', 'NOT_SENT')),
  CONSTRAINT attempts_sending_have_no_answer CHECK ((status = 'SENDING') = (answered_at IS NULL)),
  CONSTRAINT attempts_answer_is_bounded CHECK (octet_length(answer_body) <= 4096)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

-- Every answer, or lack of one, to the question what became of a payment.
CREATE TABLE status_queries (
  payment_id uuid NOT NULL,
  number integer NOT NULL,
  answer text NOT NULL,
  answered_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  http_status smallint,
  answer_body bytea,
  latency_ms integer NOT NULL,
  error_class text,
  CONSTRAINT status_queries_are_numbered PRIMARY KEY (payment_id, number),
  CONSTRAINT status_queries_answer_is_known
    CHECK (answer IN ('approved', 'failed', 'not_found', 'unknown')),
  CONSTRAINT status_queries_answer_is_bounded CHECK (octet_length(answer_body) <= 4096)
);

-- The service deletes nothing, and what was agreed or asked for never changes: the frozen bytes,
-- the amount and the parties cannot be updated by it.
GRANT SELECT, INSERT ON payments, attempts TO caudal_app;
GRANT UPDATE (status, step, due_at, attempt_number, attempt_deadline_at, failure_count,
  may_have_left, unproven, query_count, gateway_response, reason, in_doubt_at, finished_at)
  ON payments TO caudal_app;
GRANT UPDATE (status, answered_at, http_status, answer_body, latency_ms, error_class)
  ON attempts TO caudal_app;
GRANT SELECT, INSERT ON status_queries TO caudal_app;
