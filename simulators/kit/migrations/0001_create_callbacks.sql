-- Callbacks to send, and those that were delivered. A row is written together with the verdict that
-- it reports.
CREATE TABLE callbacks (
  callback_id bigint GENERATED ALWAYS AS IDENTITY,
  subject_id uuid NOT NULL,
  body text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL,
  delivered_at timestamptz,
  CONSTRAINT callbacks_have_an_id PRIMARY KEY (callback_id),
  CONSTRAINT callbacks_attempts_not_negative CHECK (attempts >= 0)
);
CREATE INDEX callbacks_by_due_time ON callbacks (due_at, callback_id) WHERE delivered_at IS NULL;
CREATE INDEX callbacks_by_subject ON callbacks (subject_id);

-- Where callbacks go, and the keys that sign them.
CREATE TABLE callback_settings (
  only_row boolean NOT NULL DEFAULT true,
  settings jsonb NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT callback_settings_are_one_row PRIMARY KEY (only_row),
  CONSTRAINT callback_settings_only_row_is_true CHECK (only_row)
);

GRANT SELECT, INSERT, UPDATE ON callbacks, callback_settings TO caudal_app;
