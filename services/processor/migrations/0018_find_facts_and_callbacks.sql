-- no transaction
-- Finds facts that were lately finished as about nothing known, and the callbacks of an account,
-- however rare it is. Other facts never enter the first index. An interrupted build leaves an index
-- that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS callback_facts_lately_unknown;
CREATE INDEX CONCURRENTLY callback_facts_lately_unknown ON callback_facts (applied_at)
  WHERE cause IN ('operation_unknown', 'payment_unknown');
DROP INDEX CONCURRENTLY IF EXISTS callbacks_by_account;
CREATE INDEX CONCURRENTLY callbacks_by_account ON callbacks (psp, psp_account, callback_id);
DROP INDEX CONCURRENTLY IF EXISTS callbacks_by_account_and_state;
CREATE INDEX CONCURRENTLY callbacks_by_account_and_state
  ON callbacks (psp, psp_account, state, callback_id);
