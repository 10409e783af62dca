-- The ledger (F1): accounts with two balances, holds, transfers and their entries. Amounts are
-- minor units. No foreign keys: every check of one is a statement, and the service writes all
-- sides of a transfer in one.

CREATE TYPE balance_name AS ENUM ('available', 'held');

-- Balances are wider than amounts, since a system account may owe many times the largest amount.
CREATE TABLE accounts (
  account_id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 0,
  opened_at timestamptz NOT NULL DEFAULT now(),
  tenant_id text NOT NULL,
  currency text NOT NULL,
  kind text NOT NULL,
  status text NOT NULL DEFAULT 'open',
  wallet_id uuid,
  user_id uuid,
  stripe smallint,
  available_minor numeric(38, 0) NOT NULL DEFAULT 0,
  held_minor numeric(38, 0) NOT NULL DEFAULT 0,
  CONSTRAINT accounts_pkey PRIMARY KEY (account_id),
  CONSTRAINT accounts_kind_is_known CHECK (kind IN
    ('wallet', 'psp_settlement', 'deposits_clearing', 'payouts_clearing', 'fees', 'suspense')),
  CONSTRAINT accounts_status_is_known CHECK (status IN ('open', 'frozen', 'closed')),
  CONSTRAINT accounts_wallet_has_owner CHECK
    ((kind = 'wallet') = (wallet_id IS NOT NULL AND user_id IS NOT NULL AND stripe IS NULL)),
  CONSTRAINT accounts_available_not_negative CHECK (kind <> 'wallet' OR available_minor >= 0),
  CONSTRAINT accounts_held_not_negative CHECK (held_minor >= 0),
  CONSTRAINT accounts_balance_within_64_bits CHECK
    (kind <> 'wallet' OR available_minor + held_minor <= 9223372036854775807)
) WITH (fillfactor = 70);

-- One account per wallet and currency.
CREATE UNIQUE INDEX accounts_one_per_currency ON accounts (wallet_id, currency)
  WHERE wallet_id IS NOT NULL;

-- One row per payment for ever, a refused one too, so that no payment is held twice (rule 4).
-- hold_id is the id of the transfer that made the hold. A payment's hold is known by the payment, a
-- client's by its own id, so that one index serves both.
CREATE TABLE holds (
  hold_key uuid GENERATED ALWAYS AS (coalesce(payment_id, hold_id)) STORED,
  hold_id uuid NOT NULL,
  payment_id uuid,
  account_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  remaining_minor bigint NOT NULL,
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  tenant_id text NOT NULL,
  currency text NOT NULL,
  status text NOT NULL,
  refused_for text,
  CONSTRAINT holds_pkey PRIMARY KEY (hold_key),
  CONSTRAINT holds_status_is_known CHECK
    (status IN ('open', 'committed', 'released', 'refused')),
  CONSTRAINT holds_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT holds_remaining_within_amount CHECK (remaining_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT holds_only_open_ones_keep_money CHECK ((status = 'open') = (remaining_minor > 0)),
  CONSTRAINT holds_refused_have_reason CHECK ((status = 'refused') = (refused_for IS NOT NULL))
) WITH (fillfactor = 70);

CREATE TABLE transfers (
  booked_at timestamptz NOT NULL,
  amount_minor bigint NOT NULL,
  transfer_id uuid NOT NULL,
  account_id uuid NOT NULL,
  payment_id uuid,
  hold_id uuid,
  value_date date NOT NULL,
  kind text NOT NULL,
  tenant_id text NOT NULL,
  currency text NOT NULL,
  client_id text,
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL,
  reference_id text NOT NULL,
  reason text NOT NULL,
  CONSTRAINT transfers_pkey PRIMARY KEY (transfer_id, booked_at),
  CONSTRAINT transfers_amount_positive CHECK (amount_minor > 0),
  CONSTRAINT transfers_kind_is_known CHECK
    (kind IN ('credit', 'debit', 'hold', 'commit', 'rollback', 'refund'))
) PARTITION BY RANGE (booked_at);

CREATE TABLE entries (
  booked_at timestamptz NOT NULL,
  amount_minor bigint NOT NULL,
  account_version bigint NOT NULL,
  account_id uuid NOT NULL,
  transfer_id uuid NOT NULL,
  balance balance_name NOT NULL,
  line smallint NOT NULL,
  tenant_id text NOT NULL,
  balance_after_minor numeric(38, 0) NOT NULL,
  balance_before_minor numeric(38, 0)
    GENERATED ALWAYS AS (balance_after_minor - amount_minor) VIRTUAL
) PARTITION BY RANGE (booked_at);

-- The only index: statements and checks read an account's entries in the order of its versions.
CREATE INDEX entries_by_account ON entries (account_id, account_version);

-- Keys of internal clients with their answers (F2), kept for 30 days at least. Not partitioned:
-- a unique key of a partitioned table would need the time in it (rule 8). Compared byte by byte,
-- whatever language the database speaks.
CREATE TABLE idempotency_keys (
  created_at timestamptz NOT NULL,
  status smallint NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  body text NOT NULL,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, client_id, idempotency_key)
);

-- Business references, each used once per tenant and kind for ever.
CREATE TABLE command_references (
  transfer_id uuid NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  reference_id text COLLATE "C" NOT NULL,
  CONSTRAINT command_references_pkey PRIMARY KEY (tenant_id, kind, reference_id)
);

-- Creates the monthly partitions (UTC) from last month to `months_ahead` and returns the day up to
-- which bookings have a place. There is no default partition on purpose: rows in it would stand in
-- the way of the month's own. A new partition is attached, not created in place, because that lets
-- bookings go on. It owns the tables, the service does not.
CREATE FUNCTION create_ledger_partitions(months_ahead integer) RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  this_month CONSTANT date := date_trunc('month', now() AT TIME ZONE 'UTC');
  parent text;
  starts date;
  ends date;
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('create_ledger_partitions'));
  FOR month IN -1 .. least(months_ahead, 120) LOOP
    starts := this_month + make_interval(months => month);
    ends := starts + interval '1 month';
    FOREACH parent IN ARRAY ARRAY['transfers', 'entries'] LOOP
      name := parent || to_char(starts, '_YYYY_MM');
      CONTINUE WHEN to_regclass(name) IS NOT NULL;
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING CONSTRAINTS INCLUDING GENERATED)',
        name, parent);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, name, starts::timestamp AT TIME ZONE 'UTC', ends::timestamp AT TIME ZONE 'UTC');
    END LOOP;
  END LOOP;
  RETURN ends;
END
$$;

SELECT create_ledger_partitions(6);

-- Least privilege (F1, F14): what is booked can be read and added to, nothing else.
GRANT SELECT, INSERT ON transfers, entries, idempotency_keys, command_references TO caudal_app;
GRANT SELECT, INSERT, UPDATE (available_minor, held_minor, version, status) ON accounts
  TO caudal_app;
GRANT SELECT, INSERT, UPDATE (remaining_minor, status, changed_at) ON holds TO caudal_app;
REVOKE ALL ON FUNCTION create_ledger_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_ledger_partitions(integer) TO caudal_app;
