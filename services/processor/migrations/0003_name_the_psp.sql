-- The PSP to which a payment was sent first. It never changes, since a payment that may have left
-- must not be sent to another PSP (ADR 0019). NULL: nothing was sent yet, or release 0.1.0 sent it
-- beside this one, to the only PSP that it had, `main`.
ALTER TABLE payments
  ADD COLUMN psp text,
  ADD CONSTRAINT payments_psp_is_a_name CHECK (psp ~ '^[a-z][a-z0-9_]{0,31}$') NOT VALID;
GRANT UPDATE (psp) ON payments TO caudal_app;
