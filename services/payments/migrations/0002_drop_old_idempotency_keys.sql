-- Keys are kept for 30 days at least; the release before does not know of their end and is not
-- disturbed by it. An order stays occupied by its payment, so that a repeat after the key is gone
-- cannot pay it twice.
-- Keys come in the order of time, so a summary of each range of pages finds the old ones and costs
-- an insert nothing.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys
  USING brin (created_at) WITH (autosummarize = on);

-- Deletes at most `at_most` keys older than `keep_days`, but none of the last 30 days: late
-- duplicates must find their answer. Returns how many it deleted. The service cannot delete a key.
CREATE FUNCTION drop_old_idempotency_keys(keep_days integer, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  oldest CONSTANT timestamptz := now() - make_interval(days => greatest(keep_days, 30));
  dropped integer;
BEGIN
  DELETE FROM idempotency_keys
  WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < oldest LIMIT at_most
    FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS dropped = ROW_COUNT;
  RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION drop_old_idempotency_keys(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_old_idempotency_keys(integer, integer) TO caudal_app;
