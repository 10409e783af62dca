import assert from 'node:assert/strict'
import { type CaudalEvent, topicOf } from '@caudal/contracts/catalogue.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { ConsumedEvent } from '../src/domain/consumed-event.ts'
import { withShares } from '../src/domain/decide-refund-event.ts'
import type { ReturnCharges } from '../src/domain/event-context.ts'
import type { Payment } from '../src/domain/payment.ts'
import type { Refund } from '../src/domain/refund.ts'
import { processBatch } from '../src/process-batch.ts'
import { insertRefunds } from '../src/store/insert-refunds.ts'
import { loadRefunds } from '../src/store/load-refunds.ts'
import { lockPayments } from '../src/store/lock-payments.ts'
import { savePayments } from '../src/store/save-payments.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { eventsOf, pendingPayment } from './stories.ts'

let offset = 0n

/** The event as the consumer brings it. */
function incomingOf<E extends CaudalEvent>(event: E): IncomingEvent<E> {
  offset += 1n
  const record = { topic: topicOf(event.event_type), partition: 0, offset, key: event.account_id }
  return { event, record: { ...record, value: '', headers: {} } }
}

/** Runs a batch as the consumer does, offsets aside. */
export async function runBatch(
  db: Db,
  events: readonly ConsumedEvent[],
  around: (tx: Tx) => Tx = (tx) => tx,
  returnCharges: ReturnCharges = 'operator',
): Promise<void> {
  const deps = { region: 'test', returnCharges, afterCommit: () => {} }
  const result = await transaction(db, (tx) =>
    processBatch(deps, around(tx), events.map(incomingOf)),
  )
  assert.equal(result.outcomes.length, events.length)
}

/** A payment that was captured. */
export async function capture(db: Db, over: Partial<Payment> = {}): Promise<Payment> {
  const payment = pendingPayment({ amountMinor: 10_000n, ...over })
  await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
  await runBatch(db, [eventsOf(payment).completed()])
  return findOne(db, payment.paymentId)
}

/** Stores refunds of a captured payment as if they had just been requested. */
export async function requestRefunds(db: Db, ...refunds: readonly Refund[]): Promise<void> {
  await transaction(db, async (tx) => {
    for (const refund of refunds) {
      const before = (await lockPayments(tx, [refund.paymentId])).payments.get(refund.paymentId)!
      const after = withShares(before, { before: null, after: refund }, refund.createdAt)
      await savePayments(tx, [{ before, after }], [])
    }
    await tx.query(insertRefunds(refunds))
  })
}

/** The payment as it is stored. */
export async function findOne(db: Db, paymentId: string): Promise<Payment> {
  const { payments } = await transaction(db, (tx) => lockPayments(tx, [paymentId]))
  return payments.get(paymentId)!
}

/** The refund as it is stored. */
export async function findRefundRow(db: Db, refundId: string): Promise<Refund> {
  return (await transaction(db, (tx) => loadRefunds(tx, [refundId]))).get(refundId)!
}

/** The events of a type in the outbox that are about one payment, oldest first. */
export async function emittedOf<T extends CaudalEvent['event_type']>(
  db: Db,
  type: T,
  paymentId: string,
): Promise<Extract<CaudalEvent, { event_type: T }>[]> {
  const { rows } = await db.query<{ event: Extract<CaudalEvent, { event_type: T }> }>(
    `SELECT payload::jsonb AS event FROM outbox
     WHERE payload::jsonb ->> 'event_type' = $1 AND payload::jsonb ->> 'payment_id' = $2
     ORDER BY id`,
    [type, paymentId],
  )
  return rows.map(({ event }) => event)
}
