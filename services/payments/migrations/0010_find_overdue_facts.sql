-- no transaction
-- The few payments with facts that wait for their end. An instance of release 0.1.0 that ends one
-- does not settle them, so this one looks for them. No step of a payment without facts changes a
-- column of the index.
DROP INDEX CONCURRENTLY IF EXISTS payments_that_keep_facts;
CREATE INDEX CONCURRENTLY payments_that_keep_facts
  ON payments (payment_id) WHERE keeps_facts OR late_capture = 'RECEIVED';
