-- An employee of the bank captures a payment that it had declined: the verdict changes once.
GRANT UPDATE (verdict, gateway_transaction_id, decided_at) ON payments TO caudal_app;
