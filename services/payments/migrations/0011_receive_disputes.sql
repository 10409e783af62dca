-- Disputes of payers, one row for each, whatever the number of its evidences and their order. It is
-- open while it has no outcome. The money of a lost one is a return under the same id.
CREATE TABLE disputes (
  dispute_id uuid NOT NULL,
  tenant_id text NOT NULL,
  -- The key of its first event: the wallet's account, or the dispute itself without a payment.
  account_id uuid NOT NULL,
  payment_id uuid,
  user_id uuid,
  psp text NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  -- The PSP's id of the dispute.
  reference text NOT NULL,
  -- As the PSP spells it.
  reason text NOT NULL,
  outcome text,
  version integer NOT NULL,
  received_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT disputes_are_one_for_each_id PRIMARY KEY (dispute_id),
  CONSTRAINT disputes_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT disputes_version_is_positive CHECK (version > 0),
  CONSTRAINT disputes_outcome_is_known CHECK (outcome IN ('won', 'lost')),
  CONSTRAINT disputes_of_a_payment_have_its_user
    CHECK ((payment_id IS NULL) = (user_id IS NULL))
);
-- A request for a refund looks for an open one of its payment.
CREATE INDEX disputes_of_a_payment ON disputes (payment_id) WHERE payment_id IS NOT NULL;

GRANT SELECT, INSERT ON disputes TO caudal_app;
-- The evidence never changes, only its payment, which may be named later, and how it ended.
GRANT UPDATE (payment_id, user_id, outcome, version, updated_at) ON disputes TO caudal_app;

ALTER TABLE cases
  DROP CONSTRAINT cases_subject_is_known,
  ADD CONSTRAINT cases_subject_is_known
    CHECK (subject_type IN ('payment', 'refund', 'return', 'dispute', 'callback')) NOT VALID;
