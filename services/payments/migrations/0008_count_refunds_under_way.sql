-- no transaction
-- The few that are under way, for the metric of those that take too long. A refund leaves the index
-- when it ends; the steps in between touch no index.
DROP INDEX CONCURRENTLY IF EXISTS refunds_under_way;
CREATE INDEX CONCURRENTLY refunds_under_way ON refunds (created_at)
  WHERE credited_at IS NULL AND refused_at IS NULL;
