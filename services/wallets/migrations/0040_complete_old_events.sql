-- How far the outbox has been read for events that release 0.1.0 wrote. They lack what the ledger
-- is rebuilt from, so the service emits them again, complete (ADR 0022).
CREATE TABLE completed_events (
  only_row boolean NOT NULL DEFAULT true,
  read_to bigint NOT NULL DEFAULT 0,
  CONSTRAINT completed_events_is_one_row PRIMARY KEY (only_row),
  CONSTRAINT completed_events_only_row_is_true CHECK (only_row)
);
INSERT INTO completed_events DEFAULT VALUES;
GRANT SELECT, UPDATE (read_to) ON completed_events TO caudal_app;
