-- no transaction
-- Finds what is due at one PSP, whatever is due at others. Payments of the PSP `main` never enter
-- the indexes of further PSPs. An interrupted build leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS payments_due_by_further_psp;
CREATE INDEX CONCURRENTLY payments_due_by_further_psp
  ON payments (psp, step, tenant_id, destination_bank, due_at)
  WHERE step IN ('send_further', 'query_further');
DROP INDEX CONCURRENTLY IF EXISTS payments_of_further_psps_due;
CREATE INDEX CONCURRENTLY payments_of_further_psps_due ON payments (psp, due_at)
  WHERE step IN ('send_further', 'await_further', 'query_further');
DROP INDEX CONCURRENTLY IF EXISTS operations_of_psps_due;
CREATE INDEX CONCURRENTLY operations_of_psps_due ON operations (psp, due_at)
  WHERE step IS NOT NULL;
