import { readClock } from '@caudal/postgres/read-clock.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Loaded, LoadedFacts } from '../domain/batch-book.ts'
import {
  type ConsumedEvent,
  disputeIdIn,
  isFact,
  paymentIdOf,
  refundIdOf,
  returnIdIn,
} from '../domain/consumed-event.ts'
import { isLateCaptureDue, receiveLateCapture } from '../domain/late-capture.ts'
import type { Payment } from '../domain/payment.ts'
import type { Refund } from '../domain/refund.ts'
import { findPaymentsOfDisputes, loadDisputes } from './load-disputes.ts'
import { loadFoundRefunds, loadReturns } from './load-facts.ts'
import { loadRefunds } from './load-refunds.ts'
import { lockPayments } from './lock-payments.ts'
import { occupyOrdersAgain } from './occupy-orders.ts'

const NO_REFUNDS: ReadonlyMap<string, Refund> = new Map()
const NO_DISPUTES: LoadedFacts['disputes'] = new Map()

/**
 * Locks the payments of a batch of events, or those of `paymentIds`, and loads what is decided
 * under their locks. `now` is the database's time behind the locks. A batch of payments alone is
 * one statement.
 */
export async function loadBatch(
  tx: Tx,
  events: readonly ConsumedEvent[],
  paymentIds: readonly string[] = idsOf(events, paymentIdOf),
): Promise<Loaded & { now: Date }> {
  const unnamed = idsOf(events, disputeIdWithoutPayment)
  const named = unnamed.length === 0 ? [] : await findPaymentsOfDisputes(tx, unnamed)
  const locked = await lockPayments(tx, [...paymentIds, ...named])
  const { payments } = locked
  // Events that name no known payment lock nothing.
  const now = payments.size > 0 ? locked.now : await readClock(tx)
  const refundIds = idsOf(events, refundIdOf)
  const facts = await loadFacts(tx, events, payments)
  requireLocked(unnamed, facts?.disputes ?? NO_DISPUTES, payments)
  for (const { refundId, status } of facts?.found.values() ?? []) {
    if (status === 'RECEIVED') refundIds.push(refundId)
  }
  const refunds = refundIds.length === 0 ? NO_REFUNDS : await loadRefunds(tx, refundIds)
  return { now, payments, refunds, ...(facts && { facts }) }
}

function disputeIdWithoutPayment(event: ConsumedEvent): string | undefined {
  return paymentIdOf(event) === undefined ? disputeIdIn(event) : undefined
}

/** The payment of a dispute may have been named since it was looked up. */
function requireLocked(
  unnamed: readonly string[],
  disputes: LoadedFacts['disputes'],
  payments: ReadonlyMap<string, Payment>,
): void {
  for (const disputeId of unnamed) {
    const paymentId = disputes.get(disputeId)?.paymentId ?? null
    if (paymentId === null || payments.has(paymentId)) continue
    throw Object.assign(new Error(`dispute ${disputeId} was named meanwhile`), { retryable: true })
  }
}

/** Undefined in a batch that needs no facts, as nearly all do. */
async function loadFacts(
  tx: Tx,
  events: readonly ConsumedEvent[],
  payments: ReadonlyMap<string, Payment>,
): Promise<LoadedFacts | undefined> {
  const news = events.filter(isFact)
  const keeping = [...payments.values()].filter(
    ({ keepsFacts, lateCapture }) => keepsFacts || lateCapture === 'RECEIVED',
  )
  if (news.length === 0 && keeping.length === 0) return undefined
  const late = news.filter(({ event_type: type }) => type === 'payment.captured_late')
  const wanted = {
    returnIds: idsOf(news, returnIdIn),
    refundIds: idsOf(news, refundIdOf),
    paymentIds: [...keeping.map(({ paymentId }) => paymentId), ...idsOf(late, paymentIdOf)],
  }
  const returns = await loadReturns(tx, wanted)
  const found = await loadFoundRefunds(tx, wanted)
  const disputeIds = idsOf(news, disputeIdIn)
  const disputes = disputeIds.length === 0 ? NO_DISPUTES : await loadDisputes(tx, disputeIds)
  return { returns, found, disputes, occupying: await occupyAgain(tx, events, payments) }
}

/** Before the decision, so that the decision knows what the unique index has decided. */
async function occupyAgain(
  tx: Tx,
  events: readonly ConsumedEvent[],
  payments: ReadonlyMap<string, Payment>,
): Promise<ReadonlySet<string>> {
  const paymentIds = new Set<string>()
  for (const payment of payments.values()) {
    // It failed at an instance of the release before, which freed the order.
    if (isLateCaptureDue(payment)) paymentIds.add(payment.paymentId)
  }
  for (const event of events) {
    if (event.event_type !== 'payment.captured_late') continue
    const payment = payments.get(event.payment_id)
    if (payment?.status !== 'FAILED') continue
    if (receiveLateCapture(payment, event).payment !== payment) paymentIds.add(payment.paymentId)
  }
  return paymentIds.size === 0 ? new Set() : occupyOrdersAgain(tx, [...paymentIds])
}

/** Sorted, each once. */
function idsOf(
  events: readonly ConsumedEvent[],
  pick: (event: ConsumedEvent) => string | undefined,
): string[] {
  const ids = new Set<string>()
  for (const event of events) {
    const id = pick(event)
    if (id !== undefined) ids.add(id)
  }
  return [...ids].toSorted()
}
