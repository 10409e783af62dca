import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { Order } from '../domain/order.ts'
import { ORDER_COLUMNS, type OrderRow, orderOfRow } from './order-row.ts'

/** The orders with these ids, of any user, in no particular order: one statement. */
export async function findOrders(
  db: Db | Tx,
  keys: readonly { tenantId: string; externalOrderId: string }[],
): Promise<Order[]> {
  const statement = sql`
    SELECT ${ORDER_COLUMNS}
    FROM (SELECT DISTINCT * FROM unnest(
      ${textArray(keys, (key) => key.tenantId)}::text[],
      ${uuidArray(keys, (key) => key.externalOrderId)}::uuid[]
    ) AS named (tenant_id, external_order_id)) AS wanted
    JOIN orders o USING (tenant_id, external_order_id)`
  const { rows } = await db.query<OrderRow>(named('find-orders', statement))
  return rows.map(orderOfRow)
}
