-- One row per payment whose end the user is told: the whole truth about what is still to be sent.
CREATE TABLE notifications (
  payment_id uuid NOT NULL,
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  amount text NOT NULL,
  currency text NOT NULL,
  service_name text NOT NULL,
  outcome text NOT NULL,
  traceparent text,
  status text NOT NULL,
  -- How often an instance took it. What a holder of an earlier attempt learns late is known by it.
  attempts integer NOT NULL DEFAULT 0,
  -- Tries after which a message was still to be sent: what the pauses between tries grow with.
  failures integer NOT NULL DEFAULT 0,
  -- Until then one instance has it; afterwards any may take it.
  due_at timestamptz,
  finalized_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  tried_at timestamptz,
  ended_at timestamptz,
  detail text,
  CONSTRAINT notifications_one_per_payment PRIMARY KEY (payment_id),
  CONSTRAINT notifications_outcome_is_known CHECK (outcome IN ('COMPLETED', 'FAILED')),
  CONSTRAINT notifications_status_is_known
    CHECK (status IN ('PENDING', 'SENT', 'NO_DEVICE', 'FAILED', 'TOO_OLD')),
  CONSTRAINT notifications_pending_have_a_time CHECK ((status = 'PENDING') = (due_at IS NOT NULL)),
  CONSTRAINT notifications_ended_have_a_time CHECK ((status = 'PENDING') = (ended_at IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;

-- What became of the message to each device of the user.
CREATE TABLE deliveries (
  payment_id uuid NOT NULL,
  device_id uuid NOT NULL,
  channel text NOT NULL,
  status text NOT NULL,
  attempts integer NOT NULL DEFAULT 1,
  error text,
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT deliveries_one_per_device PRIMARY KEY (payment_id, device_id),
  CONSTRAINT deliveries_channel_is_known CHECK (channel IN ('fcm', 'apns')),
  CONSTRAINT deliveries_status_is_known
    CHECK (status IN ('DELIVERED', 'DEAD_DEVICE', 'REJECTED', 'RETRYING'))
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON notifications, deliveries TO caudal_app;
