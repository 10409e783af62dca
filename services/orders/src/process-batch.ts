import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { decideCreations } from './domain/decide-creations.ts'
import { decidePayments, firstPayments, type UnmarkedPayment } from './domain/decide-payments.ts'
import { externalKeyOf, type NewOrder, type Order } from './domain/order.ts'
import { isPaid, ordersPaidBy, type PaymentEnd } from './domain/orders-paid-by.ts'
import { findOrders } from './store/find-orders.ts'
import { insertOrders } from './store/insert-orders.ts'
import { markOrdersPaid } from './store/mark-orders-paid.ts'

/** A request to create orders: all of them or none. */
export interface OrderCreationWork {
  type: 'creation'
  orders: readonly NewOrder[]
}

/** The work of an event: a payment that has ended, or that is paid after it had failed. */
export interface PaymentWork {
  type: 'payment'
  incoming: IncomingEvent<PaymentEnd>
}

export type OrderWork = OrderCreationWork | PaymentWork

/** What became of a unit of work; an order of `conflict` exists with other contents. */
export type OrderOutcome =
  | { type: 'created'; orders: Order[] }
  | { type: 'conflict'; order: NewOrder }
  | { type: 'paid' | 'ignored' }

/**
 * THE SPINE, read this first: a batch of requests and of ended payments creates orders and marks
 * them PAID, each in sets. Payments run in the transaction that moves the consumer's offsets (ADR
 * 0002).
 *
 * @throws {ParkError} for payments of unknown orders, and of orders that another payment has paid
 * @throws {OrderRaceError} if another process creates one of the orders meanwhile: run it again
 */
export const processBatch: ProcessBatch<object, OrderWork, OrderOutcome> = async (_, tx, work) => {
  const creations = work.filter((one) => one.type === 'creation')
  const payments = work.filter((one) => one.type === 'payment')
  const created = (await createOrders(tx, creations)).values()
  const paid = (await payOrders(tx, payments)).values()
  const outcomes = work.map(({ type }) => (type === 'creation' ? created : paid).next().value!)
  return { outcomes }
}

async function createOrders(tx: Tx, work: readonly OrderCreationWork[]): Promise<OrderOutcome[]> {
  if (work.length === 0) return []
  const requests = work.map(({ orders }) => orders)
  const existing = await findOrders(tx, requests.flat())
  const { decisions, fresh } = decideCreations(requests, existing)
  const inserted = await insertOrders(tx, fresh)
  const byKey = new Map([...existing, ...inserted].map((order) => [externalKeyOf(order), order]))
  return decisions.map((decision, index) =>
    decision.kind === 'conflict'
      ? { type: 'conflict', order: decision.order }
      : {
          type: 'created',
          orders: requests[index]!.map((order) => byKey.get(externalKeyOf(order))!),
        },
  )
}

async function payOrders(tx: Tx, work: readonly PaymentWork[]): Promise<OrderOutcome[]> {
  const paid = ordersPaidBy(work.map(({ incoming }) => incoming.event))
  const paidWith = await markOrdersPaid(tx, firstPayments(paid))
  const unmarked = decidePayments(paid, paidWith)
  if (unmarked.length > 0) {
    throw new ParkError(
      unmarked.map((payment) => {
        const { event, record } = work[payment.position]!.incoming
        return { record, ...explain(payment, event) }
      }),
    )
  }
  return work.map(({ incoming }) => ({
    type: isPaid(incoming.event) ? 'paid' : 'ignored',
  }))
}

/** A missing order may still be restored, so its payment waits; a second payment needs a person. */
function explain(
  { paidWith }: UnmarkedPayment,
  { payment_id, external_order_id }: PaymentEnd,
): { kind: 'waiting' | 'unprocessable'; cause: string } {
  if (paidWith === null) {
    const cause = `payment ${payment_id} paid order ${external_order_id}, which is not known here`
    return { kind: 'waiting', cause }
  }
  const cause = `order ${external_order_id} is paid by ${paidWith}, and ${payment_id} paid it too`
  return { kind: 'unprocessable', cause }
}
