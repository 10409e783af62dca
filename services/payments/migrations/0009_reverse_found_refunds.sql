-- A PSP can take a refund back that was found there. One that is in suspense leaves it: REVERSED.
-- One that still waits for the end of its payment remembers it.
ALTER TABLE found_refunds
  ADD COLUMN reversed_at timestamptz,
  DROP CONSTRAINT found_refunds_status_is_known,
  ADD CONSTRAINT found_refunds_status_is_known
    CHECK (status IN ('RECEIVED', 'ADOPTED', 'SUSPENDED', 'REVERSED')) NOT VALID,
  ADD CONSTRAINT found_refunds_are_reversed_at_a_time
    CHECK (status <> 'REVERSED' OR reversed_at IS NOT NULL) NOT VALID;
GRANT UPDATE (reversed_at) ON found_refunds TO caudal_app;
