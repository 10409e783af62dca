-- Decisions about money that comes back: refunds, voids and returns, and payments that the bank
-- took back. Only forgotten keys make a second generation of a movement.
CREATE TABLE movements (
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  movement_id uuid NOT NULL,
  generation integer NOT NULL DEFAULT 0,
  payment_id uuid NOT NULL,
  fingerprint bytea NOT NULL,
  verdict text NOT NULL,
  error_code text,
  gateway_movement_id uuid,
  amount_minor bigint,
  currency text,
  reason text,
  reversed_at timestamptz,
  decided_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT movements_have_one_verdict PRIMARY KEY (kind, movement_id, generation),
  CONSTRAINT movements_have_a_sequence UNIQUE (sequence),
  CONSTRAINT movements_kind_is_known CHECK (kind IN ('refund', 'void', 'return', 'reversal')),
  CONSTRAINT movements_verdict_is_known CHECK (verdict IN ('approved', 'failed')),
  CONSTRAINT movements_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT movements_approved_moved_money CHECK (
    (verdict = 'approved')
    = (gateway_movement_id IS NOT NULL AND amount_minor IS NOT NULL AND currency IS NOT NULL)
  ),
  CONSTRAINT movements_failed_have_a_code CHECK ((verdict = 'failed') = (error_code IS NOT NULL))
);
CREATE INDEX movements_by_payment ON movements (payment_id);
CREATE INDEX movements_by_kind ON movements (kind, sequence) WHERE verdict = 'approved';

-- Charges beyond the first of a payment, whose key the bank forgot.
CREATE TABLE repeated_charges (
  gateway_transaction_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  destination_account_number text NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT repeated_charges_have_an_id PRIMARY KEY (gateway_transaction_id),
  CONSTRAINT repeated_charges_amount_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX repeated_charges_by_payment ON repeated_charges (payment_id);

GRANT SELECT, INSERT ON movements, repeated_charges TO caudal_app;
