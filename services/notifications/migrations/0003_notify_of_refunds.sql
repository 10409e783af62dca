-- Notifications of refunds, returns and recovered payments, beside those of the ends of payments.
-- payment_id is the key of the row: the payment whose end it is, else an id that is made from the
-- event's object. of_payment_id and object_id are NULL for the end of a payment; for the others
-- they are the payment, and its refund or return. Outcomes are a table in the code
-- (services/notifications/src/domain/notification.ts). Release 0.1.0 does not know the new ones: a
-- row of them that it claims is claimed again when its lease ends.
ALTER TABLE notifications
  ADD COLUMN of_payment_id uuid,
  ADD COLUMN object_id uuid,
  DROP CONSTRAINT notifications_outcome_is_known,
  ADD CONSTRAINT notifications_outcome_is_a_name CHECK (outcome ~ '^[A-Z][A-Z_]{0,31}$') NOT VALID;
