-- Callbacks of PSPs, stored before they are answered. Each is kept whole, and the facts in it are
-- applied one by one, each once: its key is unique for ever, whatever the PSP repeats.
CREATE TABLE callbacks (
  callback_id uuid NOT NULL,
  psp text NOT NULL,
  psp_account text NOT NULL,
  -- Follows from its facts: the first of these that any of them has.
  state text NOT NULL DEFAULT 'RECEIVED',
  -- As it arrived, except that what may be a card number is masked.
  body bytea NOT NULL,
  is_masked boolean NOT NULL,
  signed_at timestamptz,
  received_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  finished_at timestamptz,
  CONSTRAINT callbacks_are_stored_once PRIMARY KEY (callback_id),
  CONSTRAINT callbacks_state_is_known
    CHECK (state IN ('RECEIVED', 'CONTRADICTION', 'PARKED', 'APPLIED', 'NO_CHANGE')),
  CONSTRAINT callbacks_finish_with_a_state CHECK ((state = 'RECEIVED') = (finished_at IS NULL)),
  CONSTRAINT callbacks_body_is_bounded CHECK (octet_length(body) <= 1048576)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX callbacks_by_state ON callbacks (state, callback_id);

CREATE TABLE callback_facts (
  psp text NOT NULL,
  psp_account text NOT NULL,
  key text NOT NULL,
  callback_id uuid NOT NULL,
  -- Its place in the callback.
  position integer NOT NULL,
  state text NOT NULL DEFAULT 'RECEIVED',
  fact jsonb NOT NULL,
  -- Why nothing was applied.
  cause text,
  -- The payment that it was matched with.
  payment_id uuid,
  due_at timestamptz DEFAULT statement_timestamp(),
  tries integer NOT NULL DEFAULT 0,
  applied_at timestamptz,
  CONSTRAINT callback_facts_are_stored_once PRIMARY KEY (psp, psp_account, key),
  CONSTRAINT callback_facts_state_is_known
    CHECK (state IN ('RECEIVED', 'CONTRADICTION', 'PARKED', 'APPLIED', 'NO_CHANGE')),
  CONSTRAINT callback_facts_are_due_until_they_are_applied
    CHECK ((state = 'RECEIVED') = (due_at IS NOT NULL)),
  CONSTRAINT callback_facts_end_with_a_time CHECK ((state = 'RECEIVED') = (applied_at IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX callback_facts_due ON callback_facts (due_at) WHERE state = 'RECEIVED';
CREATE INDEX callback_facts_of_callbacks ON callback_facts (callback_id, position);
CREATE INDEX callback_facts_of_payments ON callback_facts (payment_id)
  WHERE payment_id IS NOT NULL;

-- Nothing is deleted, and what arrived never changes. A fact that could not be read may be read
-- again by a later release.
GRANT SELECT, INSERT ON callbacks, callback_facts TO caudal_app;
GRANT UPDATE (state, finished_at) ON callbacks TO caudal_app;
GRANT UPDATE (state, fact, cause, payment_id, due_at, tries, applied_at)
  ON callback_facts TO caudal_app;

-- Late truth beside a final state, which never changes: the PSP's transaction that moved the money
-- of what had FAILED, and that the PSP took the money back.
ALTER TABLE payments
  ADD COLUMN late_transaction_id text,
  ADD COLUMN reversed_at timestamptz,
  ADD CONSTRAINT payments_late_money_had_failed
    CHECK (late_transaction_id IS NULL OR status = 'FAILED') NOT VALID;
GRANT UPDATE (late_transaction_id, reversed_at) ON payments TO caudal_app;
ALTER TABLE operations
  ADD COLUMN late_transaction_id text,
  ADD COLUMN reversed_at timestamptz,
  ADD CONSTRAINT operations_late_money_had_failed
    CHECK (late_transaction_id IS NULL OR status = 'FAILED') NOT VALID;
GRANT UPDATE (late_transaction_id, reversed_at) ON operations TO caudal_app;
