-- Which role may append to which topic (ADR 0030). The declaration of the release writes the rows
-- at each migration; no service may.
CREATE TABLE log_writers (
  role_name text NOT NULL,
  topic text NOT NULL,
  CONSTRAINT log_writers_pkey PRIMARY KEY (role_name, topic)
);

-- The only way into the log: appends records to topics of the role that is connected. `topics`,
-- `partitions` and `counts` describe the shares, one for each partition that gets records; the
-- other arrays the records: each one's share, from 1, and how many of its share come before it.
--
-- One statement, so one transaction. The heads are locked in sorted order (two relays may append
-- to the same partitions), each partition's records get the next dense offsets in the order given,
-- and a reader that sees an offset sees all before it, since the head's lock lasts until the
-- commit. Only counts and places are joined: the records themselves are unnested side by side on
-- their way into the table, so that nothing stores them once more. Planned once: it finds the heads
-- among the few partitions there are, and every other input is an array.
CREATE FUNCTION append_records(
  topics text[], partitions smallint[], counts integer[],
  shares integer[], places integer[], keys text[], contents text[], heads text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  refused CONSTANT text := (
    SELECT string_agg(DISTINCT t.topic, ', ') FROM unnest(topics) AS t(topic)
    WHERE NOT EXISTS (
      SELECT FROM log_writers w WHERE w.role_name = session_user AND w.topic = t.topic
    )
  );
BEGIN
  IF refused IS NOT NULL THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('the role %s may not append to %s', session_user, refused);
  END IF;
  -- With the primary key, this makes the places of a share dense.
  IF cardinality(shares) IS DISTINCT FROM (SELECT sum(c) FROM unnest(counts) AS c) OR EXISTS (
    SELECT FROM unnest(shares, places) AS r(share, place)
    WHERE place NOT BETWEEN 0 AND counts[share] - 1
  ) THEN
    RAISE invalid_parameter_value USING MESSAGE = 'the places of the records are not dense';
  END IF;
  WITH given AS (
    SELECT * FROM unnest(topics, partitions, counts) WITH ORDINALITY
      AS s(topic, partition, records, share)
  ), locked AS (
    SELECT p.topic, p.partition
    FROM log_partitions p JOIN given USING (topic, partition)
    ORDER BY p.topic, p.partition
    FOR UPDATE OF p
  ), moved AS (
    UPDATE log_partitions p SET next_offset = p.next_offset + s.records
    FROM given s JOIN locked l USING (topic, partition)
    WHERE p.topic = s.topic AND p.partition = s.partition
    RETURNING s.share, p.next_offset - s.records AS first_offset
  ), first_offsets AS (
    SELECT array_agg(m.first_offset ORDER BY s.share) AS by_share
    FROM given s LEFT JOIN moved m USING (share)
  )
  INSERT INTO log_records (topic, partition, record_offset, record_key, value, headers)
  SELECT topics[r.share], partitions[r.share],
    (SELECT by_share FROM first_offsets)[r.share] + r.place, r.record_key, r.content, r.head
  FROM (
    SELECT unnest(shares) AS share, unnest(places) AS place, unnest(keys) AS record_key,
      unnest(contents) AS content, unnest(heads) AS head
  ) AS r;
  PERFORM pg_notify('caudal_log', (SELECT string_agg(DISTINCT t, ',') FROM unnest(topics) AS t));
END
$$;

REVOKE ALL ON FUNCTION append_records(
  text[], smallint[], integer[], integer[], integer[], text[], text[], text[]
) FROM PUBLIC;
