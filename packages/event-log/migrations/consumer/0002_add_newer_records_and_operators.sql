-- A service may consume the log of another region as well: each log is a source (ADR 0002).
ALTER TABLE consumer_offsets ADD COLUMN source text NOT NULL DEFAULT 'local';
ALTER TABLE consumer_offsets
  DROP CONSTRAINT consumer_offsets_pkey,
  ADD CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer_group, topic, partition, source);

ALTER TABLE parked_records
  ADD COLUMN source text NOT NULL DEFAULT 'local',
  -- How it was resolved. Release 0.1.0 knows only 'processed' and leaves this NULL.
  ADD COLUMN resolution text,
  -- When an operator last asked for another attempt.
  ADD COLUMN redriven_at timestamptz;
ALTER TABLE parked_records
  DROP CONSTRAINT parked_records_pkey,
  ADD CONSTRAINT parked_records_pkey
    PRIMARY KEY (consumer_group, topic, partition, record_offset, source),
  DROP CONSTRAINT parked_records_kind_is_known,
  -- 'newer' was written by a later release: it is tried again by itself, and after each deploy.
  ADD CONSTRAINT parked_records_kind_is_known
    CHECK (kind IN ('waiting', 'newer', 'unprocessable')),
  ADD CONSTRAINT parked_records_resolution_is_known
    CHECK (resolution IN ('processed', 'discarded')),
  ADD CONSTRAINT parked_records_resolution_has_a_time
    CHECK (resolution IS NULL OR resolved_at IS NOT NULL);

-- Finds the first open record of each key.
DROP INDEX parked_records_open;
CREATE INDEX parked_records_open
  ON parked_records (consumer_group, source, topic, record_key, record_offset)
  WHERE resolved_at IS NULL;

-- What operators did with parked records, and why. Rows are only ever added.
CREATE TABLE parked_record_actions (
  action_id bigint GENERATED ALWAYS AS IDENTITY,
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition smallint NOT NULL,
  record_offset bigint NOT NULL,
  source text NOT NULL,
  action text NOT NULL,
  actor_type text NOT NULL,
  actor_id text NOT NULL,
  reason text NOT NULL,
  acted_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT parked_record_actions_pkey PRIMARY KEY (action_id),
  CONSTRAINT parked_record_actions_are_of_a_parked_record
    FOREIGN KEY (consumer_group, topic, partition, record_offset, source)
    REFERENCES parked_records (consumer_group, topic, partition, record_offset, source),
  CONSTRAINT parked_record_actions_action_is_known CHECK (action IN ('redriven', 'discarded')),
  CONSTRAINT parked_record_actions_reason_is_given CHECK (reason <> '')
);
CREATE INDEX parked_record_actions_of_record
  ON parked_record_actions (consumer_group, topic, partition, record_offset, source);

GRANT SELECT, INSERT ON parked_record_actions TO caudal_app;
