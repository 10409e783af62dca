-- order_id is how this service counts; nobody outside ever sees it.
CREATE TABLE orders (
  order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text NOT NULL,
  user_id uuid NOT NULL,
  external_order_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  service_name text NOT NULL,
  service_account_number text NOT NULL,
  service_bank_code text NOT NULL,
  status text NOT NULL DEFAULT 'UNPAID',
  paid_payment_id uuid,
  paid_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT orders_external_order_id_names_one_order UNIQUE (tenant_id, external_order_id),
  CONSTRAINT orders_amount_is_positive CHECK (amount_minor > 0),
  CONSTRAINT orders_status_is_known CHECK (status IN ('UNPAID', 'PAID')),
  CONSTRAINT orders_paid_names_its_payment
    CHECK ((status = 'PAID') = (paid_payment_id IS NOT NULL AND paid_at IS NOT NULL))
);

-- A user's orders, newest first.
CREATE INDEX orders_of_user ON orders (tenant_id, user_id, order_id DESC);

-- A payment pays one order.
CREATE UNIQUE INDEX orders_payment_pays_one_order ON orders (paid_payment_id)
  WHERE paid_payment_id IS NOT NULL;

GRANT SELECT, INSERT ON orders TO caudal_app;
-- What an order costs and whom it pays never changes.
GRANT UPDATE (status, paid_payment_id, paid_at) ON orders TO caudal_app;
