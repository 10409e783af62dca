-- The payment of a return in suspense may be named later, as that of a dispute. The tenant is then
-- that of the payment, which may be another one than that of the account at the PSP.
GRANT UPDATE (tenant_id, payment_id, user_id) ON returns TO caudal_app;
GRANT UPDATE (tenant_id) ON disputes TO caudal_app;
