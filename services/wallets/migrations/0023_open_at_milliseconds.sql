-- Times of the ledger are in whole milliseconds, as its bookings are: that is what events and
-- answers say of them, so an account that is rebuilt from its event is equal to the row.
ALTER TABLE accounts ALTER COLUMN opened_at SET DEFAULT date_trunc('milliseconds', now());
