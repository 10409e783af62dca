-- A lost dispute is money that came back.
ALTER TABLE movements
  DROP CONSTRAINT movements_kind_is_known,
  ADD CONSTRAINT movements_kind_is_known
    CHECK (kind IN ('refund', 'void', 'return', 'reversal', 'dispute')) NOT VALID;
