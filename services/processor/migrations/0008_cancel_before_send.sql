-- A payment that is canceled before its funds.reserved arrives is a row without facts. It has the
-- payment's primary key, so the row and the payment cannot both be recorded. Nothing is rewritten:
-- the check is not validated for the rows of earlier releases, whose columns were NOT NULL.
ALTER TABLE payments
  ALTER COLUMN account_id DROP NOT NULL,
  ALTER COLUMN user_id DROP NOT NULL,
  ALTER COLUMN wallet_transaction_id DROP NOT NULL,
  ALTER COLUMN amount_minor DROP NOT NULL,
  ALTER COLUMN currency DROP NOT NULL,
  ALTER COLUMN request_body DROP NOT NULL,
  ADD CONSTRAINT payments_have_facts_unless_canceled CHECK (reason = 'canceled' OR num_nulls(
    account_id, user_id, wallet_transaction_id, amount_minor, currency, request_body) = 0)
    NOT VALID,
  ADD CONSTRAINT payments_canceled_were_never_sent
    CHECK (reason IS DISTINCT FROM 'canceled' OR attempt_number = 0) NOT VALID;

-- A PSP may accept a request and decide it later.
ALTER TABLE attempts
  DROP CONSTRAINT attempts_status_is_known,
  ADD CONSTRAINT attempts_status_is_known CHECK (status IN ('SENDING', 'APPROVED', 'DECLINED',
    'ACCEPTED', 'UNAVAILABLE', 'RATE_LIMITED', 'MISCONFIGURED', 'UNKNOWN', 'NOT_SENT')) NOT VALID;
ALTER TABLE status_queries
  DROP CONSTRAINT status_queries_answer_is_known,
  ADD CONSTRAINT status_queries_answer_is_known
    CHECK (answer IN ('approved', 'failed', 'pending', 'not_found', 'unknown')) NOT VALID;
