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

const LIST = `
  SELECT ${ORDER_COLUMNS}
  FROM orders o
  WHERE o.tenant_id = $1
    AND o.user_id = $2
    AND ($3::text IS NULL OR o.status = $3)
    AND ($4::uuid IS NULL OR o.order_id < (
      SELECT order_id FROM orders
      WHERE tenant_id = $1 AND user_id = $2 AND external_order_id = $4))
  ORDER BY o.order_id DESC
  LIMIT $5`

/** A user's orders, newest first, after the one that the page names. */
export async function listOrders(db: Db, page: OrderPage): Promise<Order[]> {
  const { rows } = await db.query<OrderRow>(LIST, [
    page.tenantId,
    page.userId,
    page.status,
    page.after,
    page.limit,
  ])
  return rows.map(orderOfRow)
}
