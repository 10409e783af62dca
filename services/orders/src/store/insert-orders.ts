import type { Tx } from '@caudal/postgres/types.ts'
import type { NewOrder } from '../domain/order.ts'

// Sorted, so that two requests that name the same orders never wait for each other in a circle.
const INSERT = `
  INSERT INTO orders (tenant_id, user_id, external_order_id, amount_minor, currency,
                      service_name, service_account_number, service_bank_code)
  SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[],
                       $6::text[], $7::text[], $8::text[])
    AS wanted (tenant_id, user_id, external_order_id, amount_minor, currency,
               service_name, service_account_number, service_bank_code)
  ORDER BY tenant_id, external_order_id
  ON CONFLICT (tenant_id, external_order_id) DO NOTHING`

/** Inserts the orders whose ids are free; orders that exist stay as they are. */
export async function insertOrders(tx: Tx, orders: readonly NewOrder[]): Promise<void> {
  await tx.query(INSERT, [
    orders.map((order) => order.tenantId),
    orders.map((order) => order.userId),
    orders.map((order) => order.externalOrderId),
    orders.map((order) => order.amountMinor),
    orders.map((order) => order.currency),
    orders.map((order) => order.serviceName),
    orders.map((order) => order.serviceAccountNumber),
    orders.map((order) => order.serviceBankCode),
  ])
}
