-- A payout is a transfer like a payment: to an account, and not back from one.
ALTER TABLE transfers
  DROP CONSTRAINT transfers_kind_is_known,
  ADD CONSTRAINT transfers_kind_is_known
    CHECK (kind IN ('pay', 'refund', 'void', 'return', 'dispute', 'payout')) NOT VALID,
  DROP CONSTRAINT transfers_only_payments_have_no_original,
  ADD CONSTRAINT transfers_back_have_an_original
    CHECK ((kind IN ('pay', 'payout')) = (original_id IS NULL)) NOT VALID;
