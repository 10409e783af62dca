-- no transaction
-- The banks of a tenant take turns too when due payments are claimed. A payment that is sent once
-- and answered never enters the index. An interrupted build leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS payments_due_by_bank;
CREATE INDEX CONCURRENTLY payments_due_by_bank
  ON payments (step, tenant_id, destination_bank, due_at) WHERE step IN ('send', 'query');
