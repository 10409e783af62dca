-- How many refusals were stored under a user's idempotency keys on a day (UTC). A payment is
-- bounded by its order; refusals under new keys would otherwise be stored without end. One row a
-- user: a new day begins at nothing. Accepted payments do not touch it.
CREATE TABLE refusal_counts (
  user_id uuid NOT NULL,
  tenant_id text NOT NULL,
  day date NOT NULL,
  refusals integer NOT NULL,
  CONSTRAINT refusal_counts_are_one_for_each_user PRIMARY KEY (user_id, tenant_id),
  CONSTRAINT refusal_counts_are_positive CHECK (refusals > 0)
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE (day, refusals) ON refusal_counts TO caudal_app;
