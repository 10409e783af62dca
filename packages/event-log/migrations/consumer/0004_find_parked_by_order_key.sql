-- no transaction
-- Finds the open records of an order key, and those that release 0.1.0 left without one. Its own
-- index on record_key stays until no process of it can run.
DROP INDEX CONCURRENTLY IF EXISTS parked_records_open_by_order_key;
CREATE INDEX CONCURRENTLY parked_records_open_by_order_key
  ON parked_records (consumer_group, source, order_key, topic, record_offset)
  WHERE resolved_at IS NULL;
