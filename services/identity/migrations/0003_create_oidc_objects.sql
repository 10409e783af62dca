-- What oidc-provider keeps between requests: grants, sessions, codes, used assertions. Access
-- tokens are JWTs and kept nowhere.
CREATE TABLE oidc_objects (
  model text NOT NULL,
  id text NOT NULL,
  payload jsonb NOT NULL,
  grant_id text,
  user_code text,
  uid text,
  consumed_at timestamptz,
  expires_at timestamptz,
  CONSTRAINT oidc_objects_id_names_one_object PRIMARY KEY (model, id)
);

CREATE INDEX oidc_objects_of_grant ON oidc_objects (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX oidc_objects_by_user_code ON oidc_objects (model, user_code)
  WHERE user_code IS NOT NULL;
CREATE INDEX oidc_objects_by_uid ON oidc_objects (model, uid) WHERE uid IS NOT NULL;
CREATE INDEX oidc_objects_that_expire ON oidc_objects (expires_at) WHERE expires_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON oidc_objects TO caudal_app;
