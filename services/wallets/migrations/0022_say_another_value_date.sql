-- A balance by value date is the one by booking, corrected by the entries of another day than that
-- of their booking. They say so themselves: an account finds its own without looking through those
-- of everybody else, however many a tenant has. NULL is the day of booking, and takes no room.
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
