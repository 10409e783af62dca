-- What the bank kept of a return, beside the amount that came back.
ALTER TABLE movements
  ADD COLUMN charges_minor bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT movements_only_returns_have_charges
    CHECK (charges_minor = 0 OR charges_minor > 0 AND kind = 'return') NOT VALID;
