import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import { childTraceparent, parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import { decideEvents, type EventDecision } from './domain/decide-events.ts'
import type { PaymentEvent } from './domain/evolve.ts'
import { lockPayments } from './store/lock-payments.ts'
import { savePayments } from './store/save-payments.ts'

export interface ProcessBatchDeps {
  region: string
  /** Receives the decision after the commit. */
  afterCommit: (decision: EventDecision, incoming: readonly IncomingEvent[]) => void
}

/** The result of an event: `contradicts` if it conflicts with the payment's state. */
export type EventOutcome = 'applied' | 'contradicts'

/**
 * THE SPINE, read this first: applies a batch of events to their payments and emits
 * `payment.finalized` for those that become final. Runs in the transaction that moves the
 * consumer's offsets (ADR 0002): lock and load, decide in pure code, write everything in one
 * statement.
 *
 * @throws {ParkError} for events of unknown payments
 */
export const processBatch: ProcessBatch<
  ProcessBatchDeps,
  IncomingEvent<PaymentEvent>,
  EventOutcome
> = async (deps, tx, incoming) => {
  const events = incoming.map(({ event }) => event)
  const paymentIds = [...new Set(events.map((event) => event.payment_id))].toSorted()
  const { now, payments } = await lockPayments(tx, paymentIds)
  parkUnknown(incoming, events, payments)
  const decision = decideEvents(
    payments,
    events.map((event) => ({ event, finalizedEventId: newId() })),
    { now, region: deps.region },
  )
  const finalized = decision.finalized.map(({ index, event }) => ({
    event,
    traceparent: continuedTrace(incoming[index]!),
  }))
  if (decision.changed.length > 0) await savePayments(tx, decision.changed, finalized)
  const contradictions = new Set(decision.contradictions)
  return {
    outcomes: events.map((_, index) => (contradictions.has(index) ? 'contradicts' : 'applied')),
    afterCommit: () => deps.afterCommit(decision, incoming),
  }
}

/**
 * A payment's row is committed before its first event is published. A missing row is therefore
 * still being restored, or belongs to another installation: its events wait (rule 11).
 */
function parkUnknown(
  incoming: readonly IncomingEvent[],
  events: readonly PaymentEvent[],
  payments: ReadonlyMap<string, unknown>,
): void {
  const unknown: Parked[] = []
  for (const [index, event] of events.entries()) {
    if (payments.has(event.payment_id)) continue
    const { record } = incoming[index]!
    const cause = `payment ${event.payment_id} is not known here`
    unknown.push({ record, kind: 'waiting', cause })
  }
  if (unknown.length > 0) throw new ParkError(unknown)
}

function continuedTrace({ record }: IncomingEvent): string | undefined {
  const traceparent = parseTraceparent(record.headers['traceparent'])
  return traceparent === null ? undefined : childTraceparent(traceparent)
}
