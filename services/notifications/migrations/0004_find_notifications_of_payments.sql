-- no transaction
-- The notifications of a payment beside the one of its end. Empty for most payments.
DROP INDEX CONCURRENTLY IF EXISTS notifications_of_a_payment;
CREATE INDEX CONCURRENTLY notifications_of_a_payment ON notifications (of_payment_id)
  WHERE of_payment_id IS NOT NULL;
