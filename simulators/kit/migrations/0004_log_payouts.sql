-- A bank pays money out too.
ALTER TABLE operation_requests
  DROP CONSTRAINT operation_requests_operation_is_known,
  ADD CONSTRAINT operation_requests_operation_is_known
    CHECK (operation IN ('pay', 'refund', 'void', 'payout', 'query')) NOT VALID;
