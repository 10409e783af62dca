import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { Order } from '../domain/order.ts'
import { ORDER_COLUMNS, type OrderRow, orderOfRow } from './order-row.ts'

const FIND = {
  name: 'find-orders',
  text: `
    SELECT ${ORDER_COLUMNS}
    FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::uuid[])
            AS named (tenant_id, external_order_id)) AS wanted
    JOIN orders o USING (tenant_id, external_order_id)`,
}

/** The orders with these ids, whoever owns them, in no particular order: one statement. */
export async function findOrders(
  db: Db | Tx,
  keys: readonly { tenantId: string; externalOrderId: string }[],
): Promise<Order[]> {
  const values = [
    textArray(keys, (key) => key.tenantId),
    uuidArray(keys, (key) => key.externalOrderId),
  ]
  const { rows } = await db.query<OrderRow>({ ...FIND, values })
  return rows.map(orderOfRow)
}
