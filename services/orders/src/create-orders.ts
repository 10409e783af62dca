import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { isSameOrder, type NewOrder, type Order } from './domain/order.ts'
import { findOrders } from './store/find-orders.ts'
import { insertOrders } from './store/insert-orders.ts'

/** All orders as they stand now, or the first whose id belongs to another order. */
export type CreateOrdersOutcome = { created: Order[] } | { conflict: NewOrder }

class OrderConflict extends Error {
  readonly order: NewOrder
  constructor(order: NewOrder) {
    super(`order ${order.externalOrderId} exists with other contents`)
    this.order = order
  }
}

/**
 * Creates all of the orders or none. The external id is the key of the operation (F2): repeating a
 * request changes nothing and answers the orders; the same id with other contents is a conflict.
 */
export async function createOrders(
  db: Db,
  wanted: readonly NewOrder[],
): Promise<CreateOrdersOutcome> {
  try {
    const created = await transaction(db, async (tx) => {
      const [, stored] = await Promise.all([insertOrders(tx, wanted), findOrders(tx, wanted)])
      return matchOrders(wanted, stored)
    })
    return { created }
  } catch (error) {
    if (error instanceof OrderConflict) return { conflict: error.order }
    throw error
  }
}

function matchOrders(wanted: readonly NewOrder[], stored: readonly Order[]): Order[] {
  const byId = new Map(stored.map((order) => [`${order.tenantId} ${order.externalOrderId}`, order]))
  return wanted.map((order) => {
    const found = byId.get(`${order.tenantId} ${order.externalOrderId}`)
    if (!found || !isSameOrder(order, found)) throw new OrderConflict(order)
    return found
  })
}
