-- The bank that receives a payment, from its frozen request: calls for one tenant and bank have a
-- circuit of their own and take turns with others (ADR 0028). Empty in rows that earlier releases
-- wrote or that release 0.1.0 writes beside this one: they take turns as one more bank.
ALTER TABLE payments ADD COLUMN destination_bank text NOT NULL DEFAULT '';
