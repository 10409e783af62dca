-- A payout is decided like money that comes back, but has an account instead of a payment.
ALTER TABLE movements
  ALTER COLUMN payment_id DROP NOT NULL,
  ADD COLUMN account_number text,
  DROP CONSTRAINT movements_kind_is_known,
  ADD CONSTRAINT movements_kind_is_known
    CHECK (kind IN ('refund', 'void', 'return', 'reversal', 'dispute', 'payout')) NOT VALID,
  ADD CONSTRAINT movements_payouts_have_an_account CHECK (
    num_nulls(payment_id, account_number) = 1 AND (kind = 'payout') = (payment_id IS NULL)
  ) NOT VALID;
