-- no transaction
-- The holds of an account, newest first. Its columns never change, so a hold that ends touches no
-- index: which holds are open is not part of it on purpose.
DROP INDEX CONCURRENTLY IF EXISTS holds_of_an_account;
CREATE INDEX CONCURRENTLY holds_of_an_account ON holds (account_id, created_at, hold_key);
-- All accounts of the wallets of a tenant, whose ids are in no order of time.
DROP INDEX CONCURRENTLY IF EXISTS accounts_of_wallets;
CREATE INDEX CONCURRENTLY accounts_of_wallets ON accounts (tenant_id, account_id)
  WHERE kind = 'wallet';
