-- Tenants take turns when due notifications are claimed.
CREATE INDEX notifications_due_by_tenant ON notifications (tenant_id, due_at)
  WHERE due_at IS NOT NULL;
DROP INDEX notifications_due;
