-- no transaction
-- Finds what a PSP accepted and has not decided yet by the PSP's id, where a callback does not name
-- ours. An operation with a verdict in its answer never enters the indexes. An interrupted build
-- leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS payments_by_psp_id;
CREATE INDEX CONCURRENTLY payments_by_psp_id
  ON payments ((gateway_response->>'gateway_transaction_id'))
  WHERE step IS NOT NULL AND gateway_response IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS operations_by_psp_id;
CREATE INDEX CONCURRENTLY operations_by_psp_id
  ON operations ((gateway_response->>'gateway_transaction_id'))
  WHERE step IS NOT NULL AND gateway_response IS NOT NULL;
