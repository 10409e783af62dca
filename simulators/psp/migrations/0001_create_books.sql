-- One row per payment with a verdict. A charge is a payment that was approved: the primary key
-- makes a second charge for a payment impossible.
CREATE TABLE payments (
  payment_id uuid NOT NULL,
  fingerprint bytea NOT NULL,
  verdict text NOT NULL,
  gateway_transaction_id uuid,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  source_account_number text NOT NULL,
  destination_account_number text NOT NULL,
  destination_bank_code text NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT payments_have_one_verdict PRIMARY KEY (payment_id),
  CONSTRAINT payments_verdict_is_known CHECK (verdict IN ('approved', 'failed')),
  CONSTRAINT payments_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT payments_approved_have_a_transaction
    CHECK ((verdict = 'approved') = (gateway_transaction_id IS NOT NULL))
);

-- Every well-formed request for a payment, whatever became of it.
CREATE TABLE requests (
  request_id bigint GENERATED ALWAYS AS IDENTITY,
  payment_id uuid NOT NULL,
  destination_account_number text NOT NULL,
  behaviour text NOT NULL,
  delivery text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT requests_have_an_id PRIMARY KEY (request_id)
);
CREATE INDEX requests_by_payment ON requests (payment_id);

CREATE TABLE behaviour_settings (
  only_row boolean NOT NULL DEFAULT true,
  settings jsonb NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT behaviour_settings_are_one_row PRIMARY KEY (only_row),
  CONSTRAINT behaviour_settings_only_row_is_true CHECK (only_row)
);

GRANT SELECT, INSERT ON payments, requests TO caudal_app;
GRANT SELECT, INSERT, UPDATE ON behaviour_settings TO caudal_app;
