import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import type { ProcessWork } from '@caudal/event-log/apply-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { ordersPaidBy } from './domain/orders-paid-by.ts'
import { markOrdersPaid, type UnmarkedPayment } from './store/mark-orders-paid.ts'

/**
 * Learns from `payments.finalized` which orders are paid: one UPDATE a batch, in the transaction
 * that moves the offsets. A payment whose order is unknown here, or paid by another payment, is put
 * aside for a person: money has moved for it (rule 11).
 */
export const payOrders: ProcessWork<IncomingEvent<PaymentFinalized>> = async (tx, finalized) => {
  const paid = ordersPaidBy(finalized.map(({ event }) => event))
  const { unmarked } = await markOrdersPaid(tx, paid)
  if (unmarked.length === 0) return { outcomes: paid }
  throw new ParkError(
    unmarked.map((payment) => {
      const { event, record } = finalized[payment.position]!
      return { record, ...explain(payment, event) }
    }),
  )
}

/** An order may still be brought back, so the payment waits for it; two payments never resolve. */
function explain(
  { paidWith }: UnmarkedPayment,
  { payment_id, external_order_id }: PaymentFinalized,
): { kind: 'waiting' | 'unprocessable'; cause: string } {
  if (paidWith === null) {
    const cause = `payment ${payment_id} paid order ${external_order_id}, which is not known here`
    return { kind: 'waiting', cause }
  }
  const cause = `order ${external_order_id} is paid by ${paidWith}, and ${payment_id} paid it too`
  return { kind: 'unprocessable', cause }
}
