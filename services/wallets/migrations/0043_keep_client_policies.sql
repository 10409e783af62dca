-- Which version of its client's policy permitted a transfer; NULL where the client had none
-- (ADR 0025).
ALTER TABLE transfers ADD COLUMN policy_version text;

-- What each version said: append-only. The policies in force are configuration.
CREATE TABLE client_policies (
  recorded_at timestamptz NOT NULL DEFAULT now(),
  policy_version text NOT NULL,
  tenant_id text NOT NULL,
  client_id text NOT NULL,
  policy jsonb NOT NULL,
  CONSTRAINT client_policies_pkey PRIMARY KEY (policy_version)
);
GRANT SELECT, INSERT ON client_policies TO caudal_app;

-- What a client with a maximum per day has moved on the last day (UTC) on which it moved anything.
-- Locked by each batch that adds to it.
CREATE TABLE client_spending (
  day date NOT NULL,
  spent_minor numeric(38, 0) NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  CONSTRAINT client_spending_pkey PRIMARY KEY (tenant_id, client_id, currency),
  CONSTRAINT client_spending_not_negative CHECK (spent_minor >= 0)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE (day, spent_minor) ON client_spending TO caudal_app;
