-- The rest of the ledger: accounts with an overdraft rule that can be frozen and closed, holds that
-- expire, transfers of any balanced set of postings, corrections.

-- How far below zero an account may go; NULL is without a limit, for accounts of the system only.
-- revision counts what was changed of the account itself, as version counts its transfers.
ALTER TABLE accounts
  ADD COLUMN overdraft_limit_minor bigint DEFAULT 0,
  ADD COLUMN revision bigint NOT NULL DEFAULT 0;
UPDATE accounts SET overdraft_limit_minor = NULL WHERE kind <> 'wallet';
ALTER TABLE accounts
  DROP CONSTRAINT accounts_available_not_negative,
  ADD CONSTRAINT accounts_available_not_negative CHECK
    (available_minor >= -overdraft_limit_minor::numeric),
  ADD CONSTRAINT accounts_overdraft_not_negative CHECK (overdraft_limit_minor >= 0),
  ADD CONSTRAINT accounts_wallet_has_overdraft_limit CHECK
    ((kind = 'wallet') = (overdraft_limit_minor IS NOT NULL)),
  ADD CONSTRAINT accounts_closed_are_empty CHECK
    (status <> 'closed' OR (available_minor = 0 AND held_minor = 0));

-- What was changed of accounts, and by whom: append-only like the books.
CREATE TABLE account_changes (
  booked_at timestamptz NOT NULL,
  revision bigint NOT NULL,
  overdraft_limit_minor bigint NOT NULL,
  change_id uuid NOT NULL,
  account_id uuid NOT NULL,
  kind text NOT NULL,
  status text NOT NULL,
  tenant_id text NOT NULL,
  client_id text NOT NULL,
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL,
  reference_id text NOT NULL,
  reason text NOT NULL,
  CONSTRAINT account_changes_pkey PRIMARY KEY (account_id, revision),
  CONSTRAINT account_changes_kind_is_known CHECK
    (kind IN ('freeze', 'unfreeze', 'close', 'overdraft'))
);

-- A payment's hold ends by the payment's result alone (rule 10).
ALTER TABLE holds
  ADD COLUMN expires_at timestamptz,
  ADD CONSTRAINT holds_of_payments_never_expire CHECK (payment_id IS NULL OR expires_at IS NULL);

-- Holds that are to expire, until they have ended. A queue of its own: an index on holds that knew
-- which are open would cost every hold its cheap updates.
CREATE TABLE hold_expiries (
  expires_at timestamptz NOT NULL,
  hold_id uuid NOT NULL,
  CONSTRAINT hold_expiries_pkey PRIMARY KEY (expires_at, hold_id)
);

-- Nothing booked is ever edited: what was wrong is set right by a transfer that names it.
ALTER TABLE transfers
  ADD COLUMN corrects_id uuid,
  DROP CONSTRAINT transfers_kind_is_known,
  ADD CONSTRAINT transfers_kind_is_known CHECK
    (kind IN ('credit', 'debit', 'hold', 'commit', 'rollback', 'refund', 'transfer')),
  ADD CONSTRAINT transfers_only_transfers_correct CHECK
    (corrects_id IS NULL OR kind = 'transfer');

-- Keys come in the order of time, so a summary of each range of pages finds the old ones and costs
-- an insert nothing.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys
  USING brin (created_at) WITH (autosummarize = on);

-- Forgets keys that are older than `keep_days`, but never one of the last 30 days: late duplicates
-- must find their answer. References stay for ever. Returns how many are gone; call it again while
-- it is `at_most`. The service itself cannot delete a key.
CREATE FUNCTION drop_old_idempotency_keys(keep_days integer, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  oldest CONSTANT timestamptz := now() - make_interval(days => greatest(keep_days, 30));
  dropped integer;
BEGIN
  DELETE FROM idempotency_keys
  WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < oldest LIMIT at_most
    FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS dropped = ROW_COUNT;
  RETURN dropped;
END
$$;

GRANT UPDATE (overdraft_limit_minor, revision) ON accounts TO caudal_app;
GRANT SELECT, INSERT ON account_changes TO caudal_app;
GRANT SELECT, INSERT, DELETE ON hold_expiries TO caudal_app;
REVOKE ALL ON FUNCTION drop_old_idempotency_keys(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_old_idempotency_keys(integer, integer) TO caudal_app;
