-- Release 0.1.0 claims every due payment whose step is `send`, `query` or `await`, and knows one
-- PSP only, `main`. It would ask that one about the payments of another PSP, or send them there
-- too. So those have steps of their own, which it does not claim.
ALTER TABLE payments
  DROP CONSTRAINT payments_step_is_known,
  ADD CONSTRAINT payments_step_is_known CHECK (step IN ('send', 'await', 'query',
    'send_further', 'await_further', 'query_further')) NOT VALID;
UPDATE payments SET step = step || '_further'
WHERE step IN ('send', 'await', 'query') AND psp <> 'main';
ALTER TABLE payments
  ADD CONSTRAINT payments_of_further_psps_have_own_steps
    CHECK ((step LIKE '%\_further') = (coalesce(psp, 'main') <> 'main')) NOT VALID;

CREATE OR REPLACE FUNCTION move_payments(ids uuid[], psps text[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE payments p SET psp = r.psp, request_body = r.request_body,
    step = CASE WHEN r.psp = 'main' THEN 'send' ELSE 'send_further' END
  FROM unnest(ids, psps) AS m(payment_id, psp)
  JOIN payment_routes r ON r.payment_id = m.payment_id AND r.psp = m.psp
  WHERE p.payment_id = m.payment_id AND p.step IN ('send', 'send_further')
    AND NOT p.may_have_left
    AND NOT EXISTS (
      SELECT FROM attempts a WHERE a.payment_id = p.payment_id AND a.status <> 'NOT_SENT')
  RETURNING p.payment_id
$$;

-- Since when neither a query nor a repeat can end the doubt about an operation: a case is open.
ALTER TABLE payments ADD COLUMN stuck_at timestamptz;
GRANT UPDATE (stuck_at) ON payments TO caudal_app;
ALTER TABLE operations ADD COLUMN stuck_at timestamptz;
GRANT UPDATE (stuck_at) ON operations TO caudal_app;

-- Payments that were canceled before their funds.reserved arrived. If release 0.1.0 consumes that,
-- it passes over the payment, which is recorded, and the hold would stay. An instance of this
-- release finds the event in the log, from the offsets on that were consumed at the cancel.
CREATE TABLE early_cancels (
  payment_id uuid NOT NULL,
  -- By partition.
  next_offsets jsonb NOT NULL,
  canceled_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT early_cancels_have_one_row_each PRIMARY KEY (payment_id)
);
CREATE INDEX early_cancels_by_time ON early_cancels (canceled_at);
GRANT SELECT, INSERT, UPDATE (next_offsets) ON early_cancels TO caudal_app;
