-- What the record is kept in order by: a payment, an order, an account (ADR 0021). Release 0.1.0
-- leaves it NULL; this release names the order key of such records before it tries them again.
ALTER TABLE parked_records ADD COLUMN order_key text;
