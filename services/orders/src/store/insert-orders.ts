import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { externalKeyOf, type NewOrder, type Order, type OrderStatus } from '../domain/order.ts'

/** Another process has created one of the orders meanwhile: the batch must be decided again. */
export class OrderRaceError extends Error {
  override readonly name = 'OrderRaceError'
  readonly code = 'ORDER_RACE'
  readonly retryable = true

  constructor() {
    super('another process created one of the orders')
  }
}

type Inserted = {
  tenant_id: string
  external_order_id: string
  status: OrderStatus
  created_at: Date
}

/**
 * Inserts new orders in one statement and returns them as they are now.
 *
 * @throws {OrderRaceError} if one of them exists by now
 */
export async function insertOrders(tx: Tx, orders: readonly NewOrder[]): Promise<Order[]> {
  if (orders.length === 0) return []
  // Sorted, so that two batches that name the same orders cannot deadlock.
  const { rows } = await tx.query<Inserted>(sql`
    INSERT INTO orders (tenant_id, user_id, external_order_id, amount_minor, currency,
                        service_name, service_account_number, service_bank_code, created_at)
    SELECT wanted.*, clock_timestamp() FROM unnest(
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
    ON CONFLICT (tenant_id, external_order_id) DO NOTHING
    RETURNING tenant_id, external_order_id, status, created_at`)
  if (rows.length < orders.length) throw new OrderRaceError()
  const byKey = new Map(
    rows.map((row) => [
      externalKeyOf({ tenantId: row.tenant_id, externalOrderId: row.external_order_id }),
      { status: row.status, createdAt: row.created_at },
    ]),
  )
  return orders.map((order) => ({ ...order, ...byKey.get(externalKeyOf(order))! }))
}
