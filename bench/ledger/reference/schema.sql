-- A ledger as it is usually written: row by row, with one command per transaction.

CREATE TABLE accounts (
  account_id uuid PRIMARY KEY,
  tenant_id text NOT NULL,
  currency text NOT NULL,
  available_minor bigint NOT NULL CHECK (available_minor >= 0),
  held_minor bigint NOT NULL DEFAULT 0 CHECK (held_minor >= 0),
  version bigint NOT NULL DEFAULT 0
);

CREATE TABLE idempotency_keys (
  tenant_id text NOT NULL,
  client_id text NOT NULL,
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL,
  status smallint NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, client_id, idempotency_key)
);

CREATE TABLE holds (
  hold_id uuid PRIMARY KEY,
  account_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  remaining_minor bigint NOT NULL
);

CREATE TABLE transfers (
  transfer_id uuid PRIMARY KEY,
  tenant_id text NOT NULL,
  kind text NOT NULL,
  account_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  reference_id text NOT NULL,
  reason text NOT NULL,
  booked_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, kind, reference_id)
);

CREATE TABLE entries (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transfer_id uuid NOT NULL,
  account_id uuid,
  balance text NOT NULL,
  amount_minor bigint NOT NULL,
  balance_after_minor bigint,
  account_version bigint
);
CREATE INDEX entries_by_account ON entries (account_id, account_version);

CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  record_key text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
