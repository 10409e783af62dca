-- A lost dispute is money that came back.
ALTER TABLE transfers
  DROP CONSTRAINT transfers_kind_is_known,
  ADD CONSTRAINT transfers_kind_is_known
    CHECK (kind IN ('pay', 'refund', 'void', 'return', 'dispute')) NOT VALID;
