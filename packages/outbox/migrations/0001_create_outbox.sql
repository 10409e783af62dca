-- Events on their way to the log, written in the transaction of the state change (F3).
-- Partitioned by id, so that published rows leave by dropping a table, never one by one.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  event_id uuid NOT NULL,
  topic text NOT NULL,
  record_key text NOT NULL,
  payload text NOT NULL,
  headers text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz,
  CONSTRAINT outbox_pkey PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL;

GRANT SELECT, INSERT, UPDATE (published_at) ON outbox TO caudal_app;

-- Keeps eight partitions of a million ids ahead of the newest and drops the oldest ones whose rows
-- are all published. It owns the tables, the service does not.
CREATE FUNCTION rotate_outbox() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  size CONSTANT bigint := 1000000;
  newest CONSTANT bigint := (SELECT coalesce(pg_sequence_last_value('outbox_id_seq'), 0)) / size;
  slot bigint;
  unpublished boolean;
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
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM outbox_%s WHERE published_at IS NULL)', slot)
      INTO unpublished;
    EXIT WHEN unpublished;
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
