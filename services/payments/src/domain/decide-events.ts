import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { evolve, type PaymentEvent } from './evolve.ts'
import { isFinalStatus, type Payment } from './payment.ts'

/** An event, with the id of `payment.finalized` if the event makes the payment final. */
export interface EventToApply {
  event: PaymentEvent
  finalizedEventId: string
}

/** A payment that changed: its state before and after the batch. */
export interface ChangedPayment {
  before: Payment
  after: Payment
}

/** `payment.finalized` and the index of the event that caused it, for the trace. */
export interface Finalization {
  index: number
  event: PaymentFinalized
}

export interface EventDecision {
  /** Sorted by payment id. */
  changed: ChangedPayment[]
  finalized: Finalization[]
  /** Indexes of events that conflict with their payment's state; they change nothing. */
  contradictions: number[]
}

function finalizedEvent(
  payment: Payment,
  { eventId, now, region, actor }: { eventId: string; now: Date; region: string; actor: Actor },
) {
  const event: PaymentFinalized = {
    event_id: eventId,
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
  return event
}

/**
 * Applies a batch of events to their payments (P3). A payment is finalized exactly once, because it
 * never leaves a final state. `payments` must contain the payment of every event; it is not
 * changed.
 */
export function decideEvents(
  payments: ReadonlyMap<string, Payment>,
  incoming: readonly EventToApply[],
  { now, region }: { now: Date; region: string },
): EventDecision {
  const current = new Map<string, Payment>()
  const finalized: Finalization[] = []
  const contradictions: number[] = []
  for (const [index, { event, finalizedEventId }] of incoming.entries()) {
    const before = current.get(event.payment_id) ?? payments.get(event.payment_id)
    if (!before) throw new Error(`payment ${event.payment_id} was not loaded`)
    const after = evolve(before, event, now)
    if (after === 'contradicts') {
      contradictions.push(index)
      continue
    }
    if (after === before) continue
    current.set(after.paymentId, after)
    if (isFinalStatus(after.status) && !isFinalStatus(before.status)) {
      finalized.push({
        index,
        event: finalizedEvent(after, {
          eventId: finalizedEventId,
          now,
          region,
          actor: event.actor,
        }),
      })
    }
  }
  const changed: ChangedPayment[] = []
  for (const after of current.values()) {
    const before = payments.get(after.paymentId)
    if (before) changed.push({ before, after })
  }
  changed.sort((a, b) => (a.after.paymentId < b.after.paymentId ? -1 : 1))
  return { changed, finalized, contradictions }
}
