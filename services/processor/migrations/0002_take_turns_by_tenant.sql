-- Tenants take turns when due payments are claimed. Only payments that are sent again or asked
-- about are in the index: one that is sent once and answered never enters it.
CREATE INDEX payments_due_by_tenant ON payments (step, tenant_id, due_at)
  WHERE step IN ('send', 'query');
