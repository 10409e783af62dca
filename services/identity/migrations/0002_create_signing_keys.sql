-- Keys that tokens are signed with. A new key is published at once and signs from `signs_from` on,
-- so that verifiers know it before they meet it; a retired key is no longer published.
CREATE TABLE signing_keys (
  kid text NOT NULL,
  private_jwk jsonb NOT NULL,
  signs_from timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT signing_keys_kid_names_one_key PRIMARY KEY (kid)
);

GRANT SELECT, INSERT ON signing_keys TO caudal_app;
