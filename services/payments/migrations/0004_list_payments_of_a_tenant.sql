-- no transaction
-- What staff asks for: the payments of a tenant by time, those that failed, and all of an order.
-- The columns never change before a payment ends, so the steps in between still touch no index.
-- Payments under way are few and have an index of their own.
DROP INDEX CONCURRENTLY IF EXISTS payments_of_a_tenant_by_time;
CREATE INDEX CONCURRENTLY payments_of_a_tenant_by_time
  ON payments (tenant_id, created_at, payment_id);
DROP INDEX CONCURRENTLY IF EXISTS payments_that_failed_by_time;
CREATE INDEX CONCURRENTLY payments_that_failed_by_time
  ON payments (tenant_id, created_at, payment_id) WHERE order_freed;
-- Beside payments_occupy_an_order_alone, which has the one that did not fail.
DROP INDEX CONCURRENTLY IF EXISTS payments_that_failed_for_an_order;
CREATE INDEX CONCURRENTLY payments_that_failed_for_an_order
  ON payments (external_order_id, tenant_id) WHERE order_freed;
