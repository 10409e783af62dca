-- no transaction
-- Where there are several PSPs, each takes its own due operations, in turns. An operation that is
-- sent once and answered never enters an index. An interrupted build leaves one that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS payments_due_by_psp;
CREATE INDEX CONCURRENTLY payments_due_by_psp
  ON payments (psp, step, tenant_id, destination_bank, due_at) WHERE step IN ('send', 'query');
DROP INDEX CONCURRENTLY IF EXISTS operations_due_by_psp;
CREATE INDEX CONCURRENTLY operations_due_by_psp
  ON operations (psp, step, tenant_id, destination_bank, due_at) WHERE step IN ('send', 'query');
