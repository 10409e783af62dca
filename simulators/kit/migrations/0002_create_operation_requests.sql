-- Every well-formed request to move money, and the status queries that a behaviour changed. A bank
-- may log its payments elsewhere.
CREATE TABLE operation_requests (
  request_id bigint GENERATED ALWAYS AS IDENTITY,
  operation text NOT NULL,
  operation_id uuid NOT NULL,
  payment_id uuid,
  account_number text NOT NULL,
  behaviour text NOT NULL,
  delivery text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT operation_requests_have_an_id PRIMARY KEY (request_id),
  CONSTRAINT operation_requests_operation_is_known
    CHECK (operation IN ('pay', 'refund', 'void', 'query'))
);
CREATE INDEX operation_requests_by_operation ON operation_requests (operation_id);
CREATE INDEX operation_requests_by_payment ON operation_requests (payment_id);

GRANT SELECT, INSERT ON operation_requests TO caudal_app;
