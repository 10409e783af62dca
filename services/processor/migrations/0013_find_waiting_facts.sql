-- no transaction
-- Finds facts about what was not known when they came, once the PSP's id of it becomes known. Other
-- facts never enter the indexes. An interrupted build leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS callback_facts_about_unknown;
CREATE INDEX CONCURRENTLY callback_facts_about_unknown ON callback_facts (psp, (fact->>'itsId'))
  WHERE cause IN ('operation_unknown', 'payment_unknown');
DROP INDEX CONCURRENTLY IF EXISTS callback_facts_of_unknown_payments;
CREATE INDEX CONCURRENTLY callback_facts_of_unknown_payments
  ON callback_facts (psp, (fact->>'paymentItsId'))
  WHERE cause IN ('operation_unknown', 'payment_unknown');
