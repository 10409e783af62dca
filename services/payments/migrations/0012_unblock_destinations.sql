-- An operator unblocks a destination that can receive money again. A later return blocks it again.
ALTER TABLE blocked_destinations ADD COLUMN unblocked_at timestamptz;
GRANT UPDATE (return_id, reason_code, blocked_at, unblocked_at) ON blocked_destinations
  TO caudal_app;

-- Who unblocked a destination, why and when, and the return for which it had been blocked.
CREATE TABLE destination_unblocks (
  unblock_id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id text NOT NULL,
  service_bank_code text NOT NULL,
  service_account_number text NOT NULL,
  return_id uuid NOT NULL,
  reason text NOT NULL,
  actor_type text NOT NULL,
  actor_id text NOT NULL,
  unblocked_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT destination_unblocks_are_numbered PRIMARY KEY (unblock_id),
  CONSTRAINT destination_unblocks_reason_is_bounded CHECK (length(reason) BETWEEN 1 AND 500)
);
GRANT SELECT, INSERT ON destination_unblocks TO caudal_app;
