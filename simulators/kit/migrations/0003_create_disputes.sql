-- Disputes of payers. The money of a lost one is in the bank's own books as well.
CREATE TABLE disputes (
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  dispute_id uuid NOT NULL,
  -- The bank's id, as its callbacks have it.
  gateway_id text NOT NULL,
  payment_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  reason text NOT NULL,
  state text NOT NULL DEFAULT 'opened',
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  CONSTRAINT disputes_have_an_id PRIMARY KEY (dispute_id),
  CONSTRAINT disputes_have_a_sequence UNIQUE (sequence),
  CONSTRAINT disputes_state_is_known CHECK (state IN ('opened', 'won', 'lost')),
  CONSTRAINT disputes_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT disputes_end_once CHECK ((state = 'opened') = (closed_at IS NULL))
);
CREATE INDEX disputes_by_payment ON disputes (payment_id);

GRANT SELECT, INSERT, UPDATE ON disputes TO caudal_app;
