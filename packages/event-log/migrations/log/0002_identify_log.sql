-- Which log this is: durable positions point into it and into no other one (ADR 0021).
CREATE TABLE log_identity (
  only_row boolean NOT NULL DEFAULT true,
  log_id uuid NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT log_identity_is_one_row PRIMARY KEY (only_row),
  CONSTRAINT log_identity_only_row_is_true CHECK (only_row)
);
INSERT INTO log_identity DEFAULT VALUES;

-- The move of this log to Kafka (`caudal move-log`): where to, and how far it has come.
CREATE TABLE log_moves (
  only_row boolean NOT NULL DEFAULT true,
  -- The identity of each topic that the records go to.
  target jsonb NOT NULL,
  step text NOT NULL DEFAULT 'copying',
  started_at timestamptz NOT NULL DEFAULT now(),
  moved_at timestamptz,
  CONSTRAINT log_moves_is_one_row PRIMARY KEY (only_row),
  CONSTRAINT log_moves_only_row_is_true CHECK (only_row),
  CONSTRAINT log_moves_step_is_known CHECK (step IN ('copying', 'copied', 'moved'))
);

GRANT SELECT ON log_identity, log_moves TO caudal_app;
