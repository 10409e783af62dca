-- Users that were deleted and clients that left the configuration: verifiers refuse their tokens of
-- before. Kept for as long as a token may live, and an hour more.
CREATE TABLE revoked_subjects (
  kind text NOT NULL,
  tenant_id text NOT NULL,
  -- A user's id in lower case, or a client's.
  subject text NOT NULL,
  revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT revoked_subjects_are_listed_once PRIMARY KEY (kind, tenant_id, subject),
  CONSTRAINT revoked_subjects_kind_is_known CHECK (kind IN ('user', 'service'))
);

-- The clients of the configuration, as the instance that started last has it.
CREATE TABLE known_clients (
  client_id text NOT NULL,
  tenant_id text NOT NULL,
  CONSTRAINT known_clients_are_listed_once PRIMARY KEY (client_id, tenant_id)
);

-- Users with a token that may be alive. One that is no user any more, however it was deleted, has
-- tokens that verifiers refuse.
CREATE TABLE token_holders (
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  issued_at timestamptz NOT NULL,
  CONSTRAINT token_holders_are_listed_once PRIMARY KEY (tenant_id, user_id)
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE (revoked_at), DELETE ON revoked_subjects TO caudal_app;
GRANT SELECT, INSERT, DELETE ON known_clients TO caudal_app;
GRANT SELECT, INSERT, UPDATE (issued_at), DELETE ON token_holders TO caudal_app;
GRANT DELETE ON users TO caudal_app;
