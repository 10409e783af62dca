-- Each PSP has its own settlement account (ADR 0019). NULL: the settlement account of the default
-- PSP `main`, as release 0.1.0 opens it beside this one, or an account that belongs to no PSP. One
-- account has one spelling, so `main` is never written.
ALTER TABLE accounts
  ADD COLUMN psp text,
  ADD CONSTRAINT accounts_psp_is_another_one CHECK
    (psp IS NULL OR (kind = 'psp_settlement' AND psp ~ '^[a-z][a-z0-9_]{0,31}$' AND psp <> 'main'))
    NOT VALID;
