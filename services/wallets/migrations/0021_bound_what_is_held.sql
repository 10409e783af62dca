-- An overdraft lets a wallet hold more than it has: what is held needs a bound of its own.
ALTER TABLE accounts ADD CONSTRAINT accounts_held_within_limit CHECK
  (kind <> 'wallet' OR held_minor <= 9223372036854775807);
