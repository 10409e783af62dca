import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import { childTraceparent, parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import { type ConsumedEvent, paymentIdOf, refundIdOf } from './domain/consumed-event.ts'
import { decideEvents, type EventDecision, type Loaded } from './domain/decide-events.ts'
import type { Refund } from './domain/refund.ts'
import { loadRefunds } from './store/load-refunds.ts'
import { lockPayments } from './store/lock-payments.ts'
import { savePayments } from './store/save-payments.ts'
import { saveRefunds } from './store/save-refunds.ts'

export interface ProcessBatchDeps {
  region: string
  /** Receives the decision after the commit. */
  afterCommit: (decision: EventDecision, incoming: readonly IncomingEvent[]) => void
}

/** The result of an event: `contradicts` if it conflicts with the known state. */
export type EventOutcome = 'applied' | 'contradicts'

const NO_REFUNDS: ReadonlyMap<string, Refund> = new Map()

/**
 * THE SPINE, read this first: applies a batch of events to their payments and refunds, and emits
 * what follows, such as `payment.finalized` for those that become final. Runs in the transaction
 * that moves the consumer's offsets (ADR 0002): lock and load, decide in pure code, write in sets.
 * A refund is decided under the lock of its payment, so the locks of the payments are enough. A
 * batch of payments alone is one statement to load and one to write.
 *
 * @throws {ParkError} for events of unknown payments and refunds
 */
export const processBatch: ProcessBatch<
  ProcessBatchDeps,
  IncomingEvent<ConsumedEvent>,
  EventOutcome
> = async (deps, tx, incoming) => {
  const events = incoming.map(({ event }) => event)
  const { now, payments } = await lockPayments(tx, idsOf(events, paymentIdOf))
  const refundIds = idsOf(events, refundIdOf)
  const refunds = refundIds.length === 0 ? NO_REFUNDS : await loadRefunds(tx, refundIds)
  const loaded = { payments, refunds }
  parkUnknown(incoming, loaded)
  const decision = decideEvents(loaded, events, { now, region: deps.region, newId })
  const emitted = decision.emitted.map(({ index, event }) => ({
    event,
    traceparent: continuedTrace(incoming[index]!),
  }))
  if (decision.refunds.length > 0) await saveRefunds(tx, decision.refunds)
  if (decision.changed.length > 0 || emitted.length > 0) {
    await savePayments(tx, decision.changed, emitted)
  }
  const contradictions = new Set(decision.contradictions)
  return {
    outcomes: events.map((_, index) => (contradictions.has(index) ? 'contradicts' : 'applied')),
    afterCommit: () => deps.afterCommit(decision, incoming),
  }
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

/**
 * A row is committed before its first event is published. A missing row is therefore still being
 * restored, or belongs to another installation: its events wait (rule 11).
 */
function parkUnknown(incoming: readonly IncomingEvent<ConsumedEvent>[], loaded: Loaded): void {
  const unknown: Parked[] = []
  for (const { event, record } of incoming) {
    const missing = missingOf(event, loaded)
    if (missing === null) continue
    unknown.push({ record, kind: 'waiting', cause: `${missing} is not known here` })
  }
  if (unknown.length > 0) throw new ParkError(unknown)
}

/** The row of an event that is missing, if any; a refund is known with its own payment only. */
function missingOf(event: ConsumedEvent, { payments, refunds }: Loaded): string | null {
  const paymentId = paymentIdOf(event)
  if (paymentId === undefined || !payments.has(paymentId)) return `payment ${paymentId}`
  const refundId = refundIdOf(event)
  if (refundId !== undefined) {
    return refunds.get(refundId)?.paymentId === paymentId ? null : `refund ${refundId}`
  }
  if (event.event_type !== 'funds.posted') return null
  return `${event.source.type} ${event.source.id}`
}

function continuedTrace({ record }: IncomingEvent): string | undefined {
  const traceparent = parseTraceparent(record.headers['traceparent'])
  return traceparent === null ? undefined : childTraceparent(traceparent)
}
