-- People and their devices: the only place that knows them, and the only one that must forget
-- them. Events carry pseudonymous ids (rule 16).
CREATE TABLE users (
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  locale text NOT NULL,
  currencies text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_user_id_names_one_user PRIMARY KEY (tenant_id, user_id),
  CONSTRAINT users_have_a_currency CHECK (cardinality(currencies) BETWEEN 1 AND 32)
);

CREATE TABLE devices (
  device_id uuid NOT NULL,
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  platform text NOT NULL,
  token text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT devices_device_id_names_one_device PRIMARY KEY (device_id),
  CONSTRAINT devices_token_belongs_to_one_user UNIQUE (tenant_id, token, platform),
  CONSTRAINT devices_platform_is_known CHECK (platform IN ('android', 'ios')),
  CONSTRAINT devices_belong_to_a_user FOREIGN KEY (tenant_id, user_id)
    REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
);

CREATE INDEX devices_of_user ON devices (tenant_id, user_id);

GRANT SELECT, INSERT ON users TO caudal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON devices TO caudal_app;
