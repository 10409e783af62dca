-- Which log the offsets of a topic point into (ADR 0021). Offsets of release 0.1.0 have no row: the
-- next start adopts the log that it is on, if they can be offsets of it.
CREATE TABLE consumer_logs (
  consumer_group text NOT NULL,
  source text NOT NULL,
  topic text NOT NULL,
  log_id text NOT NULL,
  identified_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT consumer_logs_pkey PRIMARY KEY (consumer_group, source, topic)
);

GRANT SELECT, INSERT ON consumer_logs TO caudal_app;
