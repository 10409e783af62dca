import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { NewOrder, Order } from '../domain/order.ts'
import { type OrderOutcome, processBatch } from '../process-batch.ts'
import { OrderRaceError } from '../store/insert-orders.ts'

/** All orders as they are now, or the first whose id belongs to another order. */
export type CreateOrdersOutcome = { created: Order[] } | { conflict: NewOrder }

export interface OrderCreation {
  /** Creates all of the orders or none, together with the requests that arrive meanwhile. */
  create(orders: readonly NewOrder[]): Promise<CreateOrdersOutcome>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
}

/** Requests of a batch, of up to 1,000 orders each. */
const MAX_BATCH = 16
const MAX_QUEUE = 1_000
/** A round is lost only to another process, whose orders then exist: a few are enough. */
const ROUNDS_AT_MOST = 6

/** Joins requests to create orders; tenants take turns. */
export function createOrderCreation(db: Db): OrderCreation {
  const batcher = createBatcher<readonly NewOrder[], OrderOutcome>({
    process: (requests) => createInRounds(db, requests),
    turnOf: (orders) => orders[0]?.tenantId ?? '',
    maxBatch: MAX_BATCH,
    maxQueue: MAX_QUEUE,
    isolate: true,
  })
  return {
    async create(orders) {
      const outcome = await batcher.submit(orders)
      if (outcome.type === 'conflict') return { conflict: outcome.order }
      return { created: outcome.type === 'created' ? outcome.orders : [] }
    },
    drain: () => batcher.drain(),
  }
}

async function createInRounds(
  db: Db,
  requests: readonly (readonly NewOrder[])[],
): Promise<OrderOutcome[]> {
  const work = requests.map((orders) => ({ type: 'creation', orders }) as const)
  for (let round = 1; ; round += 1) {
    try {
      const { outcomes } = await transaction(db, (tx) => processBatch({}, tx, work), 'orders')
      return [...outcomes]
    } catch (error) {
      if (!(error instanceof OrderRaceError) || round === ROUNDS_AT_MOST) throw error
    }
  }
}
