-- The destination of the payment: after a return it may be blocked. NULL in payments that earlier
-- releases accepted.
-- `late_capture` is where a success after the failure stands. While the payment is RECOVERING it
-- occupies its order again, so the unique index decides between it and a newer payment.
-- `keeps_facts` marks a payment with facts that wait for its end; nearly none has one.
-- Nothing is rewritten or scanned: the old check implies the new one for all rows before.
ALTER TABLE payments
  ADD COLUMN service_account_number text,
  ADD COLUMN service_bank_code text,
  ADD COLUMN late_capture text,
  ADD COLUMN keeps_facts boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT payments_late_capture_is_known CHECK
    (late_capture IN ('RECEIVED', 'RECOVERING', 'RECOVERED', 'SUSPENDED', 'REFUNDING')) NOT VALID,
  ADD CONSTRAINT payments_recover_from_a_failure CHECK
    (late_capture IS DISTINCT FROM 'RECOVERING' OR status = 'FAILED') NOT VALID,
  DROP CONSTRAINT payments_free_the_order_by_failing,
  ADD CONSTRAINT payments_free_the_order_by_failing CHECK
    (order_freed = (status = 'FAILED' AND late_capture IS DISTINCT FROM 'RECOVERING')) NOT VALID;
GRANT UPDATE (late_capture, keeps_facts) ON payments TO caudal_app;

-- Money of a payment that came back without a request. One row for each return, whatever the number
-- of its evidences: a callback, a line of a report, an entry of a bank statement.
CREATE TABLE returns (
  return_id uuid NOT NULL,
  tenant_id text NOT NULL,
  -- The key of its events: the wallet's account, or the return itself without a payment.
  account_id uuid NOT NULL,
  payment_id uuid,
  user_id uuid,
  psp text NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  -- The PSP's id of the return.
  reference text NOT NULL,
  -- As the bank spells it.
  reason text NOT NULL,
  reason_code text NOT NULL,
  status text NOT NULL,
  -- Why it does not go to the wallet: the reason of its case.
  suspended_for text,
  -- Since when it counts against what was captured.
  matched_at timestamptz,
  version integer NOT NULL,
  received_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT returns_are_one_for_each_id PRIMARY KEY (return_id),
  CONSTRAINT returns_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT returns_version_is_positive CHECK (version > 0),
  CONSTRAINT returns_status_is_known
    CHECK (status IN ('RECEIVED', 'MATCHED', 'CREDITED', 'SUSPENDED')),
  CONSTRAINT returns_of_a_payment_have_its_user
    CHECK ((payment_id IS NULL) = (user_id IS NULL)),
  CONSTRAINT returns_are_matched_to_a_payment
    CHECK (status NOT IN ('MATCHED', 'CREDITED') OR payment_id IS NOT NULL),
  CONSTRAINT returns_are_credited_after_a_match
    CHECK (status NOT IN ('MATCHED', 'CREDITED') OR matched_at IS NOT NULL),
  CONSTRAINT returns_are_suspended_for_a_reason
    CHECK (status <> 'SUSPENDED' OR suspended_for IS NOT NULL),
  CONSTRAINT returns_are_credited_without_a_reason
    CHECK (status NOT IN ('MATCHED', 'CREDITED') OR suspended_for IS NULL)
);
CREATE INDEX returns_of_a_payment ON returns (payment_id, received_at, return_id)
  WHERE payment_id IS NOT NULL;
CREATE INDEX returns_of_a_tenant_by_time ON returns (tenant_id, received_at, return_id);
CREATE INDEX returns_of_a_tenant_by_status ON returns (tenant_id, status, received_at, return_id);

-- Money that the PSP gave back without a refund of ours that was under way.
CREATE TABLE found_refunds (
  refund_id uuid NOT NULL,
  tenant_id text NOT NULL,
  account_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  user_id uuid NOT NULL,
  psp text NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  status text NOT NULL,
  suspended_for text,
  received_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT found_refunds_are_one_for_each_id PRIMARY KEY (refund_id),
  CONSTRAINT found_refunds_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT found_refunds_status_is_known
    CHECK (status IN ('RECEIVED', 'ADOPTED', 'SUSPENDED')),
  CONSTRAINT found_refunds_are_suspended_for_a_reason
    CHECK ((status = 'SUSPENDED') = (suspended_for IS NOT NULL))
);
CREATE INDEX found_refunds_of_a_payment ON found_refunds (payment_id);

-- What needs a person.
CREATE TABLE cases (
  case_id uuid NOT NULL,
  tenant_id text NOT NULL,
  account_id uuid NOT NULL,
  reason text NOT NULL,
  subject_type text NOT NULL,
  subject_id uuid NOT NULL,
  payment_id uuid,
  user_id uuid,
  psp text,
  amount_minor bigint,
  currency text,
  detail text NOT NULL,
  status text NOT NULL DEFAULT 'OPEN',
  version integer NOT NULL DEFAULT 1,
  opened_at timestamptz NOT NULL,
  CONSTRAINT cases_have_one_row_each PRIMARY KEY (case_id),
  CONSTRAINT cases_subject_is_known
    CHECK (subject_type IN ('payment', 'refund', 'return', 'callback')),
  CONSTRAINT cases_status_is_known
    CHECK (status IN ('OPEN', 'IN_PROGRESS', 'WAITING_EXTERNAL', 'RESOLVED')),
  CONSTRAINT cases_amount_has_a_currency
    CHECK ((amount_minor IS NULL) = (currency IS NULL)),
  CONSTRAINT cases_detail_is_bounded CHECK (length(detail) BETWEEN 1 AND 255)
);
-- The same contradiction again is the same case, until it is resolved.
CREATE UNIQUE INDEX cases_are_open_once ON cases (subject_id, reason, subject_type, tenant_id)
  WHERE status <> 'RESOLVED';
CREATE INDEX cases_of_a_tenant_by_time ON cases (tenant_id, opened_at, case_id);
CREATE INDEX cases_of_a_tenant_by_status ON cases (tenant_id, status, opened_at, case_id);
CREATE INDEX cases_of_a_tenant_by_reason ON cases (tenant_id, reason, opened_at, case_id);

-- Accounts to which the bank could not pay: no payment is sent there again.
CREATE TABLE blocked_destinations (
  tenant_id text NOT NULL,
  service_bank_code text NOT NULL,
  service_account_number text NOT NULL,
  return_id uuid NOT NULL,
  reason_code text NOT NULL,
  blocked_at timestamptz NOT NULL,
  CONSTRAINT blocked_destinations_are_one_row_each
    PRIMARY KEY (service_account_number, service_bank_code, tenant_id)
);

GRANT SELECT, INSERT ON returns, found_refunds, cases, blocked_destinations TO caudal_app;
-- The evidence never changes, only where the money stands.
GRANT UPDATE (status, suspended_for, matched_at, version, updated_at) ON returns TO caudal_app;
GRANT UPDATE (status, suspended_for, updated_at) ON found_refunds TO caudal_app;
