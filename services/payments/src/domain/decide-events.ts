import type { Actor } from '@caudal/contracts/actor.ts'
import { type CaudalEvent, schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { CaseToOpen } from './case-to-open.ts'
import { type ConsumedEvent, paymentIdOf, refundIdOf } from './consumed-event.ts'
import { decideRefundEvent } from './decide-refund-event.ts'
import type { EventContext } from './event-context.ts'
import { evolve, type PaymentEvent } from './evolve.ts'
import { isFinalStatus, type Payment } from './payment.ts'
import type { Refund } from './refund.ts'

/** The rows that the events of a batch are about, loaded under the locks of their payments. */
export interface Loaded {
  payments: ReadonlyMap<string, Payment>
  refunds: ReadonlyMap<string, Refund>
}

/** A row that changed: its state before and after the batch. */
export interface ChangedRow<T> {
  before: T
  after: T
}

/** A payment that changed. */
export type ChangedPayment = ChangedRow<Payment>

/** A refund that changed. */
export type ChangedRefund = ChangedRow<Refund>

/** An event of ours and the index of the one that caused it, for the trace. */
export interface Emitted {
  index: number
  event: CaudalEvent
}

export interface EventDecision {
  /** Sorted by payment id. */
  changed: ChangedPayment[]
  /** Sorted by refund id. */
  refunds: ChangedRefund[]
  emitted: Emitted[]
  cases: CaseToOpen[]
  /** Indexes of events that conflict with what is known; they change nothing. */
  contradictions: number[]
}

/** What one event changes: the rows after it, and what follows. */
interface Effect {
  payment?: Payment
  refund?: Refund
  emits: CaudalEvent[]
  cases?: CaseToOpen[]
}

/**
 * Applies a batch of events in their order (P3): each sees what those before it changed. A payment
 * is finalized exactly once, because it never leaves a final state. `loaded` must contain the
 * payment and the refund of every event; it is not changed.
 */
export function decideEvents(
  loaded: Loaded,
  incoming: readonly ConsumedEvent[],
  context: EventContext,
): EventDecision {
  const payments = new Map<string, Payment>()
  const refunds = new Map<string, Refund>()
  const emitted: Emitted[] = []
  const cases: CaseToOpen[] = []
  const contradictions: number[] = []
  for (const [index, event] of incoming.entries()) {
    const effect = decideEvent(
      {
        payment: current(loaded.payments, payments, paymentIdOf(event)),
        refund: current(loaded.refunds, refunds, refundIdOf(event)),
      },
      event,
      context,
    )
    if (effect === 'contradicts') contradictions.push(index)
    if (effect === null || effect === 'contradicts') continue
    if (effect.payment) payments.set(effect.payment.paymentId, effect.payment)
    if (effect.refund) refunds.set(effect.refund.refundId, effect.refund)
    for (const one of effect.emits) emitted.push({ index, event: one })
    cases.push(...(effect.cases ?? []))
  }
  return {
    changed: changedIn(loaded.payments, payments),
    refunds: changedIn(loaded.refunds, refunds),
    emitted,
    cases,
    contradictions,
  }
}

/** One seam for each aggregate: what the event means for the rows that it is about. */
function decideEvent(
  { payment, refund }: { payment: Payment | undefined; refund: Refund | undefined },
  event: ConsumedEvent,
  context: EventContext,
): Effect | 'contradicts' | null {
  if (!payment) throw new Error(`payment ${event.payment_id} was not loaded`)
  switch (event.event_type) {
    case 'refund.submitted':
    case 'refund.in_doubt':
    case 'refund.succeeded':
    case 'refund.failed':
    case 'refund.canceled':
    case 'refund.reversed':
    case 'funds.posted':
      if (!refund) throw new Error(`refund ${refundIdOf(event)} was not loaded`)
      return decideRefundEvent({ payment, refund }, event, context)
    default:
      return decidePaymentEvent(payment, event, context)
  }
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
  { now, region, newId }: EventContext,
): PaymentFinalized {
  return {
    event_id: newId(),
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

function current<T>(
  loaded: ReadonlyMap<string, T>,
  changed: ReadonlyMap<string, T>,
  id: string | undefined,
): T | undefined {
  return id === undefined ? undefined : (changed.get(id) ?? loaded.get(id))
}

/** In the order of ids, which is the order of locks. */
function changedIn<T>(
  loaded: ReadonlyMap<string, T>,
  changed: ReadonlyMap<string, T>,
): ChangedRow<T>[] {
  if (changed.size === 0) return []
  const rows: [string, ChangedRow<T>][] = []
  for (const [id, after] of changed) {
    const before = loaded.get(id)
    if (before !== undefined && before !== after) rows.push([id, { before, after }])
  }
  return rows.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
