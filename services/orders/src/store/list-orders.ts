import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Order, OrderStatus } from '../domain/order.ts'
import { ORDER_COLUMNS, type OrderRow, orderOfRow } from './order-row.ts'

export type OrderPage = {
  tenantId: string
  userId: string
  status: OrderStatus | null
  /** The external id of the last order of the page before; the serial id stays inside. */
  after: string | null
  limit: number
}

/** A user's orders, newest first, after the one that the page names. */
export async function listOrders(db: Db, page: OrderPage): Promise<Order[]> {
  const { tenantId, userId, status, after, limit } = page
  const inStatus = status === null ? sql`` : sql`AND o.status = ${status}`
  const behind =
    after === null
      ? sql``
      : sql`AND o.order_id < (
          SELECT order_id FROM orders
          WHERE tenant_id = ${tenantId} AND user_id = ${userId} AND external_order_id = ${after})`
  const { rows } = await db.query<OrderRow>(sql`
    SELECT ${ORDER_COLUMNS}
    FROM orders o
    WHERE o.tenant_id = ${tenantId} AND o.user_id = ${userId} ${inStatus} ${behind}
    ORDER BY o.order_id DESC
    LIMIT ${limit}`)
  return rows.map(orderOfRow)
}
