-- Events on their way to the log, written in the transaction of the state change (F3). Rows are
-- only ever added: how far the relay has come stands elsewhere, and published rows leave by
-- dropping a partition (ADR 0009).
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  event_id uuid NOT NULL,
  topic text NOT NULL,
  record_key text NOT NULL,
  payload text NOT NULL,
  headers text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT outbox_pkey PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- Everything up to published_to is published, except the ids from missing_first to missing_last:
-- they were taken by transactions that had not committed yet, or never did.
CREATE TABLE outbox_progress (
  only_row boolean NOT NULL DEFAULT true,
  published_to bigint NOT NULL DEFAULT 0,
  missing_first bigint[] NOT NULL DEFAULT '{}',
  missing_last bigint[] NOT NULL DEFAULT '{}',
  CONSTRAINT outbox_progress_is_one_row PRIMARY KEY (only_row),
  CONSTRAINT outbox_progress_only_row_is_true CHECK (only_row),
  CONSTRAINT outbox_progress_gaps_have_two_ends
    CHECK (cardinality(missing_first) = cardinality(missing_last))
) WITH (fillfactor = 10);
INSERT INTO outbox_progress DEFAULT VALUES;

-- What is still to be published, for people and checks.
CREATE VIEW outbox_unpublished AS
  SELECT o.* FROM outbox_progress p JOIN outbox o ON o.id > p.published_to
  UNION ALL
  SELECT o.* FROM outbox_progress p
  CROSS JOIN LATERAL unnest(p.missing_first, p.missing_last) AS m(first_id, last_id)
  JOIN outbox o ON o.id BETWEEN m.first_id AND m.last_id;

GRANT SELECT, INSERT ON outbox TO caudal_app;
GRANT SELECT, UPDATE ON outbox_progress TO caudal_app;
GRANT SELECT ON outbox_unpublished TO caudal_app;

-- Keeps eight partitions of a million ids ahead of the newest and drops the oldest ones whose rows
-- are all published. It owns the tables, the service does not.
CREATE FUNCTION rotate_outbox() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  size CONSTANT bigint := 1000000;
  newest CONSTANT bigint := (SELECT coalesce(pg_sequence_last_value('outbox_id_seq'), 0)) / size;
  slot bigint;
  dropped integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('rotate_outbox'));
  FOR slot IN newest .. newest + 8 LOOP
    IF to_regclass('outbox_' || slot) IS NULL THEN
      EXECUTE format('CREATE TABLE outbox_%s PARTITION OF outbox FOR VALUES FROM (%s) TO (%s)',
        slot, slot * size, (slot + 1) * size);
    END IF;
  END LOOP;
  SET LOCAL lock_timeout = '200ms';
  -- The newest full partition stays for people who look for a recent event.
  FOR slot IN
    SELECT substring(c.relname FROM 8)::bigint
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'outbox'::regclass AND substring(c.relname FROM 8)::bigint < newest - 1
    ORDER BY 1
  LOOP
    EXIT WHEN EXISTS (SELECT 1 FROM outbox_unpublished WHERE id < (slot + 1) * size);
    BEGIN
      EXECUTE format('DROP TABLE outbox_%s', slot);
      dropped := dropped + 1;
    EXCEPTION WHEN lock_not_available THEN
      EXIT;
    END;
  END LOOP;
  RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION rotate_outbox() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rotate_outbox() TO caudal_app;

SELECT rotate_outbox();
