-- Money that came back to a PSP, or left it again: each posting is booked once for ever, in one
-- transfer (rule 4). Not partitioned, as for idempotency keys and references; few rows, since most
-- payments have none. `other_end` is the end that was taken beside the settlement account. The
-- fingerprint of the request is empty in a ledger that was rebuilt from its events.
CREATE TABLE psp_postings (
  booked_at timestamptz NOT NULL,
  amount_minor bigint NOT NULL,
  posting_id uuid NOT NULL,
  transfer_id uuid NOT NULL,
  account_id uuid NOT NULL,
  source_id uuid NOT NULL,
  payment_id uuid,
  tenant_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  source_type text NOT NULL,
  psp text NOT NULL,
  currency text NOT NULL,
  other_end text NOT NULL,
  fingerprint bytea NOT NULL,
  CONSTRAINT psp_postings_pkey PRIMARY KEY (posting_id, tenant_id),
  CONSTRAINT psp_postings_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT psp_postings_other_end_is_known CHECK
    (other_end IN ('wallet', 'suspense', 'receivable'))
);
-- What a payment's refunds and returns booked, and what was booked for a refund or a return.
CREATE INDEX psp_postings_of_a_payment ON psp_postings (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX psp_postings_by_source ON psp_postings (source_id);

GRANT SELECT, INSERT ON psp_postings TO caudal_app;
