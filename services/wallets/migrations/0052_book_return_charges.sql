-- What of the amount the fees account bears, because the bank kept it: the rest came back to the
-- settlement account. No row is rewritten.
ALTER TABLE psp_postings
  ADD COLUMN charges_minor bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT psp_postings_charges_are_a_part
    CHECK (charges_minor >= 0 AND charges_minor < amount_minor) NOT VALID;
