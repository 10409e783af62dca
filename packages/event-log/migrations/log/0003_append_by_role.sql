-- Which role may append to which topic (ADR 0030). The declaration of the release writes the rows
-- at each migration; no service may.
CREATE TABLE log_writers (
  role_name text NOT NULL,
  topic text NOT NULL,
  CONSTRAINT log_writers_pkey PRIMARY KEY (role_name, topic)
);

-- Ends a statement where an expression finds that it must not go on.
CREATE FUNCTION refuse_append(sqlstate_code text, message text) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = sqlstate_code, MESSAGE = message;
END
$$;

-- The only way into the log: appends records to topics of the role that is connected. `topics`,
-- `partitions` and `counts` describe the shares, one for each partition that gets records; the
-- other arrays the records: each one's share, from 1, and how many of its share come before it.
-- `names` are the topics once more, each once: what waiting readers are notified of.
--
-- One statement, so one transaction. The heads are locked in sorted order (two relays may append
-- to the same partitions), each partition's records get the next dense offsets in the order given,
-- and a reader that sees an offset sees all before it, since the head's lock lasts until the
-- commit. Only counts and places are joined: the records themselves are unnested side by side on
-- their way into the table, so that nothing stores them once more. Planned once: it finds the heads
-- among the few partitions there are, and every other input is an array.
--
-- A caller cannot leave a gap: every share has as many places as records in all, a place outside
-- of its share has no offset, and the primary key refuses a place that is taken.
CREATE FUNCTION append_records(
  names text, topics text[], partitions smallint[], counts integer[],
  shares integer[], places integer[], keys text[], contents text[], heads text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  notified text;
BEGIN
  WITH given AS (
    SELECT s.*, w.topic IS NOT NULL AS is_allowed
    FROM unnest(topics, partitions, counts) WITH ORDINALITY
      AS s(topic, partition, records, share)
    LEFT JOIN log_writers w ON w.role_name = session_user AND w.topic = s.topic
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
    SELECT CASE
      WHEN NOT bool_and(s.is_allowed) THEN refuse_append('42501', format(
        'the role %s may not append to %s', session_user,
        string_agg(DISTINCT s.topic, ', ') FILTER (WHERE NOT s.is_allowed)))
      WHEN min(s.records) > 0 AND sum(s.records) = cardinality(shares)
        THEN array_agg(m.first_offset ORDER BY s.share)
      ELSE refuse_append('22023', 'the counts are not those of the records')
    END AS by_share
    FROM given s LEFT JOIN moved m USING (share)
  ), appended AS (
    INSERT INTO log_records (topic, partition, record_offset, record_key, value, headers)
    SELECT topics[r.share], partitions[r.share],
      (SELECT by_share FROM first_offsets)[r.share]
        + CASE WHEN r.place BETWEEN 0 AND counts[r.share] - 1 THEN r.place END,
      r.record_key, r.content, r.head
    FROM (
      SELECT unnest(shares) AS share, unnest(places) AS place, unnest(keys) AS record_key,
        unnest(contents) AS content, unnest(heads) AS head
    ) AS r
  )
  -- Reads the offsets, since their checks hold for a call without records too.
  SELECT CASE WHEN by_share IS NOT NULL THEN pg_notify('caudal_log', names)::text END
  INTO notified FROM first_offsets;
END
$$;

REVOKE ALL ON FUNCTION append_records(
  text, text[], smallint[], integer[], integer[], integer[], text[], text[], text[]
) FROM PUBLIC;
REVOKE ALL ON FUNCTION refuse_append(text, text) FROM PUBLIC;
