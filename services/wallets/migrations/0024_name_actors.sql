-- Who caused a change of an account. The release before writes none beside this one: its changes
-- are those of their client.
ALTER TABLE account_changes
  ADD COLUMN actor_type text,
  ADD COLUMN actor_id text,
  ADD CONSTRAINT account_changes_actor_is_whole CHECK ((actor_type IS NULL) = (actor_id IS NULL)),
  ADD CONSTRAINT account_changes_actor_is_known CHECK
    (actor_type IN ('user', 'client', 'operator', 'system'));
UPDATE account_changes SET actor_type = 'client', actor_id = client_id;

-- The kinds of transfers and accounts are a table in the code (services/wallets/src/ledger/domain):
-- a new one needs no migration. Rows are not read again for the constraint: they passed a stricter
-- one.
ALTER TABLE transfers
  DROP CONSTRAINT transfers_kind_is_known,
  ADD CONSTRAINT transfers_kind_is_a_name CHECK (kind ~ '^[a-z][a-z_]{0,62}$') NOT VALID;
ALTER TABLE accounts
  DROP CONSTRAINT accounts_kind_is_known,
  ADD CONSTRAINT accounts_kind_is_a_name CHECK (kind ~ '^[a-z][a-z_]{0,62}$') NOT VALID;
