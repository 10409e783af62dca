-- A balance by value date is the one by booking, corrected by the entries of another day than that
-- of their booking. They say so themselves: an account finds its own without looking through those
-- of everybody else, however many a tenant has. NULL is the day of booking, and takes no room.
-- Both tables are locked first, in the order in which a batch takes them: bookings wait until the
-- entries have been read, and nobody waits for somebody who waits.
LOCK TABLE transfers, entries IN ACCESS EXCLUSIVE MODE;
ALTER TABLE entries ADD COLUMN value_date date;
UPDATE entries e SET value_date = t.value_date
FROM transfers t
WHERE t.transfer_id = e.transfer_id AND t.booked_at = e.booked_at
  AND t.value_date <> (t.booked_at AT TIME ZONE 'UTC')::date;

-- Both are empty where every value date is the day of booking.
CREATE INDEX entries_of_another_day ON entries (account_id, value_date, account_version, line)
  WHERE value_date IS NOT NULL;
CREATE INDEX entries_by_value_date ON entries (tenant_id, value_date)
  WHERE value_date IS NOT NULL;
DROP INDEX transfers_of_another_day;

-- What entries of detached months have for days behind their month: until such a day it is not in a
-- balance by value date, though it is in the one that was carried.
CREATE TABLE carried_value_dates (
  value_date date NOT NULL,
  account_id uuid NOT NULL,
  available_minor numeric(38, 0) NOT NULL,
  held_minor numeric(38, 0) NOT NULL,
  CONSTRAINT carried_value_dates_pkey PRIMARY KEY (account_id, value_date)
);
GRANT SELECT ON carried_value_dates TO caudal_app;

-- Takes a month out of the books: the oldest one, and none that bookings can still reach. Its two
-- tables stay where they are and belong to nobody but the owner, who copies them away and drops
-- them. For the owner of the tables only; the service has no right to call it.
-- The balances are summed up first, while everybody goes on: nothing changes a closed month. Then
-- both tables are locked for an instant, in the order in which a batch takes them. Whoever cannot
-- have the lock gives up before anybody is held up by the waiting.
CREATE OR REPLACE FUNCTION detach_ledger_partition(month date) RETURNS detached_months
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
    'INSERT INTO carried_value_dates AS c (account_id, value_date, available_minor, held_minor)
     SELECT account_id, value_date,
       coalesce(sum(amount_minor) FILTER (WHERE balance = ''available''), 0),
       coalesce(sum(amount_minor) FILTER (WHERE balance = ''held''), 0)
     FROM %I WHERE value_date >= $1 + interval ''1 month'' GROUP BY account_id, value_date
     ON CONFLICT (account_id, value_date) DO UPDATE SET
       available_minor = c.available_minor + excluded.available_minor,
       held_minor = c.held_minor + excluded.held_minor',
    'entries' || suffix) USING starts;
  EXECUTE format(
    'INSERT INTO detached_months (month, kept_from, value_dates_to, transfers, entries)
     SELECT $1, ($1 + interval ''1 month'') AT TIME ZONE ''UTC'',
       ($1 + interval ''1 month'')::date - 1, count(*), (SELECT count(*) FROM %I)
     FROM %I RETURNING *', 'entries' || suffix, 'transfers' || suffix)
  INTO detached USING starts;
  EXECUTE format('ALTER TABLE transfers DETACH PARTITION %I', 'transfers' || suffix);
  EXECUTE format('ALTER TABLE entries DETACH PARTITION %I', 'entries' || suffix);
  RETURN detached;
END
$$;
