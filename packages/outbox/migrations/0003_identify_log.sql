-- Which log the outbox is published to (ADR 0021). An outbox of release 0.1.0 has no rows: the next
-- start adopts the log that it is on, if what was published can be in it.
CREATE TABLE outbox_logs (
  topic text NOT NULL,
  log_id text NOT NULL,
  identified_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT outbox_logs_pkey PRIMARY KEY (topic)
);

GRANT SELECT, INSERT ON outbox_logs TO caudal_app;
