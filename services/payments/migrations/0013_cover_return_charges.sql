-- What the bank kept of a return and the operator covers: the amount has it, the PSP does not. No
-- row is rewritten.
ALTER TABLE returns
  ADD COLUMN charges_minor bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT returns_charges_are_a_part
    CHECK (charges_minor >= 0 AND charges_minor < amount_minor) NOT VALID;
