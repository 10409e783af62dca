import { sql } from '@caudal/postgres/sql.ts'
import type { Order, OrderStatus } from '../domain/order.ts'

/** Everything of an order but its serial id. `o` is the table's alias. */
export const ORDER_COLUMNS = sql`
  o.tenant_id, o.user_id, o.external_order_id, o.amount_minor, o.currency,
  o.service_name, o.service_account_number, o.service_bank_code, o.status, o.created_at`

export type OrderRow = {
  tenant_id: string
  user_id: string
  external_order_id: string
  amount_minor: bigint
  currency: string
  service_name: string
  service_account_number: string
  service_bank_code: string
  status: OrderStatus
  created_at: Date
}

/** The order that a row holds. */
export function orderOfRow(row: OrderRow): Order {
  return {
    tenantId: row.tenant_id,
    userId: row.user_id,
    externalOrderId: row.external_order_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    serviceName: row.service_name,
    serviceAccountNumber: row.service_account_number,
    serviceBankCode: row.service_bank_code,
    status: row.status,
    createdAt: row.created_at,
  }
}
