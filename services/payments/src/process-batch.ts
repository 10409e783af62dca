import { newId } from '@caudal/contracts/ids.ts'
import type { FollowUp } from '@caudal/event-log/apply-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { childTraceparent, parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import { decideEvents, type EventDecision } from './domain/decide-events.ts'
import type { PaymentEvent } from './domain/evolve.ts'
import { lockPayments } from './store/lock-payments.ts'
import { savePayments } from './store/save-payments.ts'

export interface ProcessBatchDeps {
  region: string
  /** Told what was decided, once it is committed. */
  afterCommit: (decision: EventDecision, incoming: readonly IncomingEvent[]) => void
}

/**
 * THE SPINE, read this first: a batch of events becomes new states of payments, and
 * `payment.finalized` of those that end. Runs in the transaction that moves the consumer's offsets
 * (ADR 0002): lock and load, decide in pure code, write everything in one statement.
 *
 * @throws {ParkError} for events of payments that are not here (yet)
 */
export async function processBatch(
  deps: ProcessBatchDeps,
  tx: Tx,
  incoming: readonly IncomingEvent<PaymentEvent>[],
): Promise<FollowUp> {
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
  return () => deps.afterCommit(decision, incoming)
}

/**
 * A payment's row is committed before anybody hears of it, so one that is missing is being restored
 * or somebody else's: its events wait (rule 11).
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
