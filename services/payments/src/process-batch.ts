import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { childTraceparent, parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { Loaded } from './domain/batch-book.ts'
import { caseOpened } from './domain/case-opened.ts'
import { type ConsumedEvent, paymentIdOf, refundIdOf, returnIdIn } from './domain/consumed-event.ts'
import { type CausedCase, decideEvents, type EventDecision } from './domain/decide-events.ts'
import type { EventContext, ReturnCharges } from './domain/event-context.ts'
import { loadBatch } from './store/load-batch.ts'
import { type CaseOfBatch, saveBatch } from './store/save-batch.ts'

export interface ProcessBatchDeps {
  region: string
  /** Who bears what a bank kept of a return. */
  returnCharges: ReturnCharges
  /** Receives the decision after the commit. */
  afterCommit: (decision: EventDecision, incoming: readonly IncomingEvent[]) => void
}

/** The result of an event: `contradicts` if it conflicts with the known state. */
export type EventOutcome = 'applied' | 'contradicts'

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
  const loaded = await loadBatch(
    tx,
    incoming.map(({ event }) => event),
  )
  parkUnknown(incoming, loaded)
  const decision = await decideAndSave(deps, tx, { loaded, incoming })
  const contradictions = new Set(decision.contradictions)
  return {
    outcomes: incoming.map((_, index) => (contradictions.has(index) ? 'contradicts' : 'applied')),
    afterCommit: () => deps.afterCommit(decision, incoming),
  }
}

/**
 * The spine without events: settles the facts that wait at payments that have ended. Returns what
 * is to be called after the commit.
 */
export async function settlePayments(
  deps: ProcessBatchDeps,
  tx: Tx,
  paymentIds: readonly string[],
): Promise<() => void> {
  const loaded = await loadBatch(tx, [], paymentIds)
  const decision = await decideAndSave(deps, tx, { loaded, incoming: [] })
  return () => deps.afterCommit(decision, [])
}

async function decideAndSave(
  { region, returnCharges }: ProcessBatchDeps,
  tx: Tx,
  batch: { loaded: Loaded & { now: Date }; incoming: readonly IncomingEvent<ConsumedEvent>[] },
): Promise<EventDecision> {
  const { loaded, incoming } = batch
  const context = { now: loaded.now, region, mintId: newId, returnCharges }
  const events = incoming.map(({ event }) => event)
  const decision = decideEvents(loaded, events, context)
  const emitted = decision.emitted.map(({ index, event }) => ({
    event,
    traceparent: continuedTrace(incoming, index),
  }))
  const cases = decision.cases.map((one) => caseOfBatch(one, incoming, context))
  return { ...decision, cases: await saveBatch(tx, decision, { emitted, cases }) }
}

/** Its event is written only if the case is opened: the same one may be open. */
function caseOfBatch(
  one: CausedCase,
  incoming: readonly IncomingEvent[],
  context: EventContext,
): CaseOfBatch {
  const event = caseOpened(one.caseId, one, { actor: one.actor, context })
  const traceparent = continuedTrace(incoming, one.index)
  return { ...one, openedAt: context.now, caseOpened: { event, traceparent } }
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
function missingOf(event: ConsumedEvent, { payments, refunds, facts }: Loaded): string | null {
  const paymentId = paymentIdOf(event)
  if (paymentId !== undefined && !payments.has(paymentId)) return `payment ${paymentId}`
  const refundId = refundIdOf(event)
  if (refundId !== undefined) {
    const known = refunds.get(refundId) ?? facts?.found.get(refundId)
    if (known) return known.paymentId === paymentId ? null : `refund ${refundId}`
    return event.event_type === 'refund.found' ? null : `refund ${refundId}`
  }
  const returnId = returnIdIn(event)
  if (event.event_type !== 'funds.posted' || returnId === undefined) return null
  return facts?.returns.get(returnId) ? null : `return ${returnId}`
}

function continuedTrace(
  incoming: readonly IncomingEvent[],
  index: number | null,
): string | undefined {
  if (index === null) return undefined
  const traceparent = parseTraceparent(incoming[index]!.record.headers['traceparent'])
  return traceparent === null ? undefined : childTraceparent(traceparent)
}
