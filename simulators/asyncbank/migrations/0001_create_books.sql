-- Every transfer that the bank has accepted. A key may name several: the bank forgets it.
CREATE TABLE transfers (
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  transfer_id text NOT NULL,
  ref uuid NOT NULL,
  request_key uuid,
  fingerprint bytea NOT NULL,
  kind text NOT NULL,
  state text NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  account_number text NOT NULL,
  original_id text,
  code text,
  behaviour text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  settle_at timestamptz NOT NULL,
  final_at timestamptz,
  CONSTRAINT transfers_have_an_id PRIMARY KEY (transfer_id),
  CONSTRAINT transfers_have_a_sequence UNIQUE (sequence),
  CONSTRAINT transfers_kind_is_known CHECK (kind IN ('pay', 'refund', 'void', 'return')),
  CONSTRAINT transfers_state_is_known
    CHECK (state IN ('received', 'settled', 'rejected', 'reversed')),
  CONSTRAINT transfers_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT transfers_rejected_have_a_code CHECK (state <> 'rejected' OR code IS NOT NULL),
  CONSTRAINT transfers_end_once CHECK ((state = 'received') = (final_at IS NULL)),
  CONSTRAINT transfers_only_payments_have_no_original
    CHECK ((kind = 'pay') = (original_id IS NULL))
);
CREATE INDEX transfers_by_key ON transfers (request_key, sequence);
CREATE INDEX transfers_by_ref ON transfers (ref);
CREATE INDEX transfers_by_original ON transfers (original_id) WHERE original_id IS NOT NULL;
CREATE INDEX transfers_by_settlement ON transfers (settle_at, sequence) WHERE state = 'received';
CREATE INDEX transfers_by_kind ON transfers (kind, sequence);

CREATE TABLE behaviour_settings (
  only_row boolean NOT NULL DEFAULT true,
  settings jsonb NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT behaviour_settings_are_one_row PRIMARY KEY (only_row),
  CONSTRAINT behaviour_settings_only_row_is_true CHECK (only_row)
);

GRANT SELECT, INSERT, UPDATE ON transfers, behaviour_settings TO caudal_app;
