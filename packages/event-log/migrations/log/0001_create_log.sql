-- The event log of one machine: dense offsets per partition, records never changed (ADR 0003).

CREATE TABLE log_partitions (
  topic text NOT NULL,
  partition smallint NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  CONSTRAINT log_partitions_pkey PRIMARY KEY (topic, partition),
  CONSTRAINT log_partitions_next_offset_not_negative CHECK (next_offset >= 0)
) WITH (fillfactor = 20);

CREATE TABLE log_records (
  topic text NOT NULL,
  partition smallint NOT NULL,
  record_offset bigint NOT NULL,
  record_key text NOT NULL,
  value text NOT NULL,
  headers text NOT NULL,
  appended_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT log_records_pkey PRIMARY KEY (topic, partition, record_offset)
);

GRANT SELECT, INSERT, UPDATE ON log_partitions TO caudal_app;
GRANT SELECT, INSERT ON log_records TO caudal_app;
