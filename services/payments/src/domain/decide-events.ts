import { type Actor, systemActor } from '@caudal/contracts/actor.ts'
import { type CaudalEvent, schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import {
  type BatchBook,
  type ChangedRow,
  changesOf,
  factsOfPayment,
  type Loaded,
  openBook,
  rowsIn,
} from './batch-book.ts'
import type { CaseToOpen } from './case-to-open.ts'
import {
  type ConsumedEvent,
  disputeIdIn,
  paymentIdOf,
  refundIdOf,
  returnIdIn,
} from './consumed-event.ts'
import { decideFact, type FactRows } from './decide-facts.ts'
import { decideRefundEvent } from './decide-refund-event.ts'
import type { EventContext, FactContext } from './event-context.ts'
import { evolve, type PaymentEvent } from './evolve.ts'
import type { FactEffect } from './fact-effect.ts'
import { isApart } from './found-refund.ts'
import { isFinalStatus, type Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import { hasDueFacts, settleFacts } from './settle-facts.ts'

/** A payment that changed. */
export type ChangedPayment = ChangedRow<Payment>

/** A refund that changed. */
export type ChangedRefund = ChangedRow<Refund>

/** Who acts for what follows from no event. */
const OURSELVES = systemActor('payments')

/** An event of ours and the index of the one that caused it, for the trace; null for none. */
export interface Emitted {
  index: number | null
  event: CaudalEvent
}

/** A case, the index of the event that it follows from, and who caused it; null for none. */
export interface CausedCase extends CaseToOpen {
  index: number | null
  actor: Actor
  /** Of the case, if it is opened: the same one may be open. */
  caseId: string
}

/** What a batch changes: rows that changed or are new, each kind sorted by id. */
export interface EventDecision extends ReturnType<typeof changesOf> {
  emitted: Emitted[]
  cases: CausedCase[]
  /** Indexes of events that conflict with what is known; they change nothing. */
  contradictions: number[]
}

/** What one event changes: the rows after it, and what follows. */
type Effect = Pick<FactEffect, 'emits'> & Partial<FactEffect> & { refund?: Refund }

/**
 * Applies a batch of events in their order (P3): each sees what those before it changed. A payment
 * is finalized exactly once, because it never leaves a final state, except that a success after the
 * failure completes it, which has an event of its own. `loaded` must contain the rows of every
 * event; it is not changed. A payment in it that ended at an instance of the release before, which
 * settles no facts, is settled first.
 */
export function decideEvents(
  loaded: Loaded,
  incoming: readonly ConsumedEvent[],
  context: FactContext,
): EventDecision {
  const book = openBook(loaded)
  const emitted: Emitted[] = []
  const cases: CausedCase[] = []
  const contradictions: number[] = []
  const enter = (index: number | null, effect: Effect): void => {
    record(book, effect)
    for (const event of effect.emits) emitted.push({ index, event })
    const actor = index === null ? OURSELVES : incoming[index]!.actor
    for (const toOpen of effect.cases ?? []) {
      cases.push({ index, actor, caseId: context.mintId(), ...toOpen })
    }
  }
  for (const payment of loaded.payments.values()) {
    if (!hasDueFacts(payment, null)) continue
    const occasion = { event: { event_type: null, actor: OURSELVES }, context }
    for (const due of settleFacts(payment, factsOfPayment(book, payment), occasion)) {
      enter(null, due)
    }
  }
  for (const [index, event] of incoming.entries()) {
    const rows = rowsIn(book, {
      payment: paymentIdOf(event),
      refund: refundIdOf(event),
      returned: returnIdIn(event),
      dispute: disputeIdIn(event),
    })
    const effect = decideEvent(rows, event, context)
    if (effect === 'contradicts') contradictions.push(index)
    if (effect === null || effect === 'contradicts') continue
    enter(index, effect)
    const after = effect.payment
    if (!after || !hasDueFacts(after, event.event_type)) continue
    const occasion = { event, context }
    for (const due of settleFacts(after, factsOfPayment(book, after), occasion)) enter(index, due)
  }
  return { ...changesOf(book), emitted, cases, contradictions }
}

function record(book: BatchBook, effect: Effect): void {
  const { payment, refund, created, returns, found, blocked } = effect
  if (payment) book.payments.set(payment.paymentId, payment)
  for (const one of created ?? []) {
    book.created.set(one.refundId, one)
    book.refunds.set(one.refundId, one)
  }
  if (refund) book.refunds.set(refund.refundId, refund)
  for (const one of effect.refunds ?? []) book.refunds.set(one.refundId, one)
  for (const one of returns ?? []) book.returns.set(one.returnId, one)
  for (const one of found ?? []) book.found.set(one.refundId, one)
  for (const one of effect.disputes ?? []) book.disputes.set(one.disputeId, one)
  book.blocked.push(...(blocked ?? []))
}

/** One seam for each aggregate: what the event means for the rows that it is about. */
function decideEvent(
  rows: FactRows,
  event: ConsumedEvent,
  context: FactContext,
): Effect | 'contradicts' | null {
  const { payment, refund, found } = rows
  switch (event.event_type) {
    case 'return.received':
    case 'payment.captured_late':
    case 'refund.found':
    case 'dispute.opened':
    case 'dispute.closed':
    case 'psp.contradicted':
      return decideFact(rows, event, context)
    case 'funds.posted':
      if (event.source.type !== 'refund' || (found && isApart(found))) {
        return decideFact(rows, event, context)
      }
      return decideRefundEvent(known({ payment, refund }, event), event, context)
    case 'refund.reversed':
      if (found && isApart(found)) return decideFact(rows, event, context)
      return decideRefundEvent(known({ payment, refund }, event), event, context)
    case 'refund.submitted':
    case 'refund.in_doubt':
    case 'refund.succeeded':
    case 'refund.failed':
    case 'refund.canceled':
      return decideRefundEvent(known({ payment, refund }, event), event, context)
    default:
      if (!payment) throw new Error(`payment ${event.payment_id} was not loaded`)
      return decidePaymentEvent(payment, event, context)
  }
}

/** The spine parks an event of a row that is not known. */
function known({ payment, refund }: Pick<FactRows, 'payment' | 'refund'>, event: ConsumedEvent) {
  if (!payment || !refund) throw new Error(`refund ${refundIdOf(event)} was not loaded`)
  return { payment, refund }
}

function decidePaymentEvent(
  before: Payment,
  event: PaymentEvent,
  context: EventContext,
): Effect | 'contradicts' | null {
  const payment = evolve(before, event, context.now)
  if (payment === 'contradicts') return 'contradicts'
  if (payment === before) return null
  const isFinalized = isFinalStatus(payment.status) && !isFinalStatus(before.status)
  return {
    payment,
    emits: isFinalized ? [finalizedEvent(payment, event.actor, context)] : [],
  }
}

function finalizedEvent(
  payment: Payment,
  actor: Actor,
  { now, region, mintId }: EventContext,
): PaymentFinalized {
  return {
    event_id: mintId(),
    event_type: 'payment.finalized',
    timestamp: now.toISOString(),
    schema_version: schemaVersionOf('payment.finalized'),
    region,
    actor,
    tenant_id: payment.tenantId,
    account_id: payment.accountId,
    payment_id: payment.paymentId,
    user_id: payment.userId,
    external_order_id: payment.externalOrderId,
    amount: formatAmount(payment.amountMinor, payment.currency),
    currency: payment.currency,
    service_name: payment.serviceName,
    status: payment.status === 'COMPLETED' ? 'COMPLETED' : 'FAILED',
    reason: payment.reason,
  }
}
