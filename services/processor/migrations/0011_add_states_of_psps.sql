-- What is sent to each PSP. One without a row is enabled.
CREATE TABLE psp_states (
  psp text NOT NULL,
  state text NOT NULL,
  reason text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT psp_states_are_of_one_psp PRIMARY KEY (psp),
  CONSTRAINT psp_states_psp_is_a_name CHECK (psp ~ '^[a-z][a-z0-9_]{0,31}$'),
  CONSTRAINT psp_states_state_is_known CHECK (state IN ('enabled', 'draining', 'disabled')),
  CONSTRAINT psp_states_reason_is_bounded CHECK (length(reason) BETWEEN 1 AND 500)
);

-- Who changed the state of a PSP, why and when.
CREATE TABLE psp_state_changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY,
  psp text NOT NULL,
  state text NOT NULL,
  reason text NOT NULL,
  actor_type text NOT NULL,
  actor_id text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT psp_state_changes_are_numbered PRIMARY KEY (change_id),
  CONSTRAINT psp_state_changes_state_is_known
    CHECK (state IN ('enabled', 'draining', 'disabled'))
);

GRANT SELECT, INSERT ON psp_states, psp_state_changes TO caudal_app;
GRANT UPDATE (state, reason, changed_at) ON psp_states TO caudal_app;

-- The PSPs that a payment may go to, in order, each with the bytes of its request. Only payments
-- with a choice have rows here. They are written with the payment and never change.
CREATE TABLE payment_routes (
  payment_id uuid NOT NULL,
  position smallint NOT NULL,
  psp text NOT NULL,
  request_body bytea NOT NULL,
  CONSTRAINT payment_routes_are_in_order PRIMARY KEY (payment_id, position),
  CONSTRAINT payment_routes_name_a_psp_once UNIQUE (payment_id, psp),
  CONSTRAINT payment_routes_psp_is_a_name CHECK (psp ~ '^[a-z][a-z0-9_]{0,31}$')
);
GRANT SELECT, INSERT ON payment_routes TO caudal_app;

-- Moves a payment to another PSP of its route, with the bytes for that one, while nothing of it may
-- have left: the one way to other bytes (rule 9). It runs as the owner, because the service itself
-- must not update bytes. Returns the payments that moved.
CREATE FUNCTION move_payments(ids uuid[], psps text[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE payments p SET psp = r.psp, request_body = r.request_body
  FROM unnest(ids, psps) AS m(payment_id, psp)
  JOIN payment_routes r ON r.payment_id = m.payment_id AND r.psp = m.psp
  WHERE p.payment_id = m.payment_id AND p.step = 'send' AND NOT p.may_have_left
    AND NOT EXISTS (
      SELECT FROM attempts a WHERE a.payment_id = p.payment_id AND a.status <> 'NOT_SENT')
  RETURNING p.payment_id
$$;
REVOKE ALL ON FUNCTION move_payments(uuid[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION move_payments(uuid[], text[]) TO caudal_app;
