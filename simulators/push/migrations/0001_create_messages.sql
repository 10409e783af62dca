-- Every delivery that was accepted, repeats included: message_id says which are the same message.
CREATE TABLE messages (
  delivery_id bigint GENERATED ALWAYS AS IDENTITY,
  message_id text NOT NULL,
  platform text NOT NULL,
  device_token text NOT NULL,
  user_id text,
  payment_id text,
  title text,
  body text,
  data jsonb NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT messages_have_an_id PRIMARY KEY (delivery_id),
  CONSTRAINT messages_platform_is_known CHECK (platform IN ('android', 'ios'))
);
CREATE INDEX messages_by_payment ON messages (payment_id, delivery_id);
CREATE INDEX messages_by_user ON messages (user_id, delivery_id);

-- What error_500_once has refused: a message to a device once.
CREATE TABLE refusals (
  device_token text NOT NULL,
  message_id text NOT NULL,
  refused_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT refusals_happen_once PRIMARY KEY (device_token, message_id)
);

CREATE TABLE behaviour_settings (
  only_row boolean NOT NULL DEFAULT true,
  settings jsonb NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT behaviour_settings_are_one_row PRIMARY KEY (only_row),
  CONSTRAINT behaviour_settings_only_row_is_true CHECK (only_row)
);

GRANT SELECT, INSERT ON messages, refusals TO caudal_app;
GRANT SELECT, INSERT, UPDATE ON behaviour_settings TO caudal_app;
