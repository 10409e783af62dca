-- A payout is an operation that belongs to no payment.
ALTER TABLE operations
  DROP CONSTRAINT operations_kind_is_known,
  ADD CONSTRAINT operations_kind_is_known CHECK (kind IN ('refund', 'void', 'payout')) NOT VALID,
  DROP CONSTRAINT operations_have_facts_unless_canceled,
  ADD CONSTRAINT operations_have_facts_unless_canceled CHECK (reason = 'canceled' OR num_nulls(
    account_id, user_id, amount_minor, currency, requested_at, request_body) = 0) NOT VALID,
  ADD CONSTRAINT operations_belong_to_a_payment_unless_paid_out
    CHECK (reason = 'canceled' OR (kind = 'payout') = (payment_id IS NULL)) NOT VALID;
