-- The client that made a hold, and that may end it. NULL of a payment's hold, and of one that was
-- made before this migration or by release 0.1.0: its client is that of its transfer.
ALTER TABLE holds ADD COLUMN client_id text;
