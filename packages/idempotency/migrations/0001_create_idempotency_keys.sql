-- The answer that each idempotency key is bound to (F2). Never changed, not partitioned (rule 8).
CREATE TABLE idempotency_keys (
  created_at timestamptz NOT NULL,
  -- HTTP status of the answer.
  status smallint NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  -- The user or client that chose the key.
  principal_id text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  -- SHA-256 of the request.
  fingerprint bytea NOT NULL,
  body text NOT NULL,
  -- What the command created; none for a refusal.
  resource_id uuid,
  CONSTRAINT idempotency_keys_are_bound_once
    PRIMARY KEY (tenant_id, principal_id, idempotency_key),
  CONSTRAINT idempotency_keys_fingerprint_is_sha256 CHECK (length(fingerprint) = 32)
);

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

GRANT SELECT, INSERT ON idempotency_keys TO caudal_app;
REVOKE ALL ON FUNCTION drop_old_idempotency_keys(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_old_idempotency_keys(integer, integer) TO caudal_app;
