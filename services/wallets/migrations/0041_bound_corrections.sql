-- How a correction was bounded: `bounded` touches the accounts of the original only, `reclassified`
-- others too. NULL of every other transfer, and of corrections of release 0.1.0, which had no
-- bound (ADR 0025). Rows are not read for the constraint: they have none of either.
ALTER TABLE transfers
  ADD COLUMN correction text,
  ADD CONSTRAINT transfers_correction_is_known CHECK
    (correction IS NULL OR (corrects_id IS NOT NULL AND correction IN ('bounded', 'reclassified')))
    NOT VALID;
