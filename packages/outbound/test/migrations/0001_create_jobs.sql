-- A queue of outgoing calls, as small as the engine allows.
CREATE TABLE jobs (
  id integer PRIMARY KEY,
  tenant_id text NOT NULL,
  peer text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz DEFAULT statement_timestamp(),
  answer text
);
CREATE INDEX jobs_due_by_tenant ON jobs (tenant_id, due_at) WHERE due_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON jobs TO caudal_app;
