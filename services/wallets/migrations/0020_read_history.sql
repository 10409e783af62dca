-- What reads of the history need, and the way by which old months leave. The tables that are
-- written 20,000 times a second get nothing that costs a batch more than it notices: a block range
-- index is a few kilobytes, and the partial ones below are empty unless a transfer is unusual.

-- From a transfer to its entries, and to what was booked after a time: rows lie in the order of
-- their booking, so that knowing its range of blocks is knowing where a row is.
CREATE INDEX entries_by_time ON entries USING brin (booked_at)
  WITH (pages_per_range = 32, autosummarize = on);

-- Nearly every transfer has the day of its booking as its value date. A balance by value date is
-- the one by booking, corrected by the others (E4).
CREATE INDEX transfers_of_another_day ON transfers (tenant_id, value_date)
  WHERE value_date <> (booked_at AT TIME ZONE 'UTC')::date;

-- By what a transfer was corrected.
CREATE INDEX transfers_that_correct ON transfers (corrects_id) WHERE corrects_id IS NOT NULL;

CREATE INDEX accounts_of_the_system ON accounts (tenant_id, kind, currency)
  WHERE kind <> 'wallet';

-- Months that are not in the books any more, and what the accounts had at their end: the history
-- that is kept begins with these balances.
CREATE TABLE detached_months (
  month date NOT NULL,
  kept_from timestamptz NOT NULL,
  value_dates_to date NOT NULL,
  detached_at timestamptz NOT NULL DEFAULT now(),
  transfers bigint NOT NULL,
  entries bigint NOT NULL,
  CONSTRAINT detached_months_pkey PRIMARY KEY (month)
);
CREATE TABLE carried_balances (
  account_id uuid NOT NULL,
  account_version bigint NOT NULL,
  available_minor numeric(38, 0) NOT NULL,
  held_minor numeric(38, 0) NOT NULL,
  CONSTRAINT carried_balances_pkey PRIMARY KEY (account_id)
);
GRANT SELECT ON detached_months, carried_balances TO caudal_app;

-- Takes a month out of the books: the oldest one, and none that bookings can still reach. Its two
-- tables stay where they are and belong to nobody but the owner, who copies them away and drops
-- them. For the owner of the tables only; the service has no right to call it.
-- The balances are summed up first, while everybody goes on: nothing changes a closed month. Then
-- both tables are locked for an instant, in the order in which a batch takes them. Whoever cannot
-- have the lock gives up before anybody is held up by the waiting.
CREATE FUNCTION detach_ledger_partition(month date) RETURNS detached_months
LANGUAGE plpgsql SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
  starts CONSTANT date := date_trunc('month', month);
  this_month CONSTANT date := date_trunc('month', now() AT TIME ZONE 'UTC');
  suffix CONSTANT text := to_char(starts, '_YYYY_MM');
  oldest text;
  detached detached_months;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('create_ledger_partitions'));
  IF starts > this_month - interval '2 months' THEN
    RAISE EXCEPTION 'the month % is too young to be detached', to_char(starts, 'YYYY-MM')
      USING ERRCODE = 'CA110';
  END IF;
  SELECT min(inhrelid::regclass::text) INTO oldest
  FROM pg_inherits WHERE inhparent = 'entries'::regclass;
  IF oldest IS DISTINCT FROM 'entries' || suffix THEN
    RAISE EXCEPTION 'the oldest month is %, only that one can be detached', oldest
      USING ERRCODE = 'CA111';
  END IF;

  EXECUTE format(
    'INSERT INTO carried_balances AS c (account_id, account_version, available_minor, held_minor)
     SELECT l.account_id, l.version, coalesce(l.available, b.available_minor, 0),
       coalesce(l.held, b.held_minor, 0)
     FROM (
       SELECT account_id, max(account_version) AS version,
         (array_agg(balance_after_minor ORDER BY account_version DESC, line DESC)
           FILTER (WHERE balance = ''available''))[1] AS available,
         (array_agg(balance_after_minor ORDER BY account_version DESC, line DESC)
           FILTER (WHERE balance = ''held''))[1] AS held
       FROM %I GROUP BY account_id
     ) l LEFT JOIN carried_balances b USING (account_id)
     ON CONFLICT (account_id) DO UPDATE SET account_version = excluded.account_version,
       available_minor = excluded.available_minor, held_minor = excluded.held_minor',
    'entries' || suffix);
  EXECUTE format(
    'INSERT INTO detached_months (month, kept_from, value_dates_to, transfers, entries)
     SELECT $1, ($1 + interval ''1 month'') AT TIME ZONE ''UTC'',
       greatest(max(value_date), ($1 + interval ''1 month'')::date - 1), count(*),
       (SELECT count(*) FROM %I)
     FROM %I RETURNING *', 'entries' || suffix, 'transfers' || suffix)
  INTO detached USING starts;
  EXECUTE format('ALTER TABLE transfers DETACH PARTITION %I', 'transfers' || suffix);
  EXECUTE format('ALTER TABLE entries DETACH PARTITION %I', 'entries' || suffix);
  RETURN detached;
END
$$;
REVOKE ALL ON FUNCTION detach_ledger_partition(date) FROM PUBLIC;
