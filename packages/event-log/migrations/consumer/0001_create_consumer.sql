-- Where a consumer stands: moved in the transaction of the effects (ADR 0002).
CREATE TABLE consumer_offsets (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition smallint NOT NULL,
  next_offset bigint NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer_group, topic, partition),
  CONSTRAINT consumer_offsets_next_offset_not_negative CHECK (next_offset >= 0)
) WITH (fillfactor = 20);

-- Records that could not be processed, and those behind them with the same key (rule 11).
CREATE TABLE parked_records (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition smallint NOT NULL,
  record_offset bigint NOT NULL,
  record_key text NOT NULL,
  value text NOT NULL,
  headers text NOT NULL,
  -- 'waiting' is tried again by itself, 'unprocessable' waits for an operator.
  kind text NOT NULL,
  cause text NOT NULL,
  attempts integer NOT NULL DEFAULT 1,
  parked_at timestamptz NOT NULL DEFAULT now(),
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  CONSTRAINT parked_records_pkey PRIMARY KEY (consumer_group, topic, partition, record_offset),
  CONSTRAINT parked_records_kind_is_known CHECK (kind IN ('waiting', 'unprocessable'))
);

CREATE INDEX parked_records_open ON parked_records (consumer_group, topic, record_key)
  WHERE resolved_at IS NULL;

-- Raises unless the condition holds: a refused compare-and-set must stop the statements that are
-- already on their way behind it (rule 1). An expression only, so it costs no statement.
CREATE FUNCTION require_that(condition boolean, sqlstate_code text, message text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF condition IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = sqlstate_code, MESSAGE = message;
  END IF;
  RETURN true;
END
$$;

GRANT SELECT, INSERT, UPDATE ON consumer_offsets, parked_records TO caudal_app;
