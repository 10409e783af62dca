import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { NewOrder } from '../domain/order.ts'

/** Inserts the orders whose ids are free; orders that exist stay as they are. */
export async function insertOrders(tx: Tx, orders: readonly NewOrder[]): Promise<void> {
  // Sorted, so that two requests that name the same orders never wait for each other in a circle.
  await tx.query(sql`
    INSERT INTO orders (tenant_id, user_id, external_order_id, amount_minor, currency,
                        service_name, service_account_number, service_bank_code)
    SELECT * FROM unnest(
      ${orders.map((order) => order.tenantId)}::text[],
      ${orders.map((order) => order.userId)}::uuid[],
      ${orders.map((order) => order.externalOrderId)}::uuid[],
      ${orders.map((order) => order.amountMinor)}::bigint[],
      ${orders.map((order) => order.currency)}::text[],
      ${orders.map((order) => order.serviceName)}::text[],
      ${orders.map((order) => order.serviceAccountNumber)}::text[],
      ${orders.map((order) => order.serviceBankCode)}::text[]
    ) AS wanted (tenant_id, user_id, external_order_id, amount_minor, currency,
                 service_name, service_account_number, service_bank_code)
    ORDER BY tenant_id, external_order_id
    ON CONFLICT (tenant_id, external_order_id) DO NOTHING`)
}
