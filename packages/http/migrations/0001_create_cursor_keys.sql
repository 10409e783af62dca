-- The key that authenticates the cursors of the service's lists (ADR 0031). It is made here, from
-- the server's cryptographic random numbers, so every instance has the same one. The service only
-- reads it. To replace it: UPDATE cursor_keys SET key = sha256(...), as here, and restart the
-- instances. Cursors of before are then refused.
CREATE TABLE cursor_keys (
  key bytea NOT NULL,
  is_only boolean NOT NULL DEFAULT true,
  CONSTRAINT cursor_keys_are_one PRIMARY KEY (is_only),
  CONSTRAINT cursor_keys_is_only CHECK (is_only),
  CONSTRAINT cursor_keys_have_256_bits CHECK (octet_length(key) = 32)
);
INSERT INTO cursor_keys (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

GRANT SELECT ON cursor_keys TO caudal_app;
