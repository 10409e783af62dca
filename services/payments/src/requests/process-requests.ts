import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import type { BoundKey } from '@caudal/idempotency/bound-key.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { LastStatements } from '@caudal/postgres/transaction.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import {
  type RequestDecision,
  decideRequests,
  type Destination,
  destinationOf,
  requestKeyOf,
  type KnownOrders,
  type KnownRequests,
  type OrderToPay,
  orderOf,
  ownedOrderOf,
  type PaymentRequest,
  type StoredAnswer,
} from '../domain/decide-requests.ts'
import type { Payment } from '../domain/payment.ts'
import { countRefusals } from '../store/count-refusals.ts'
import { readClockAndBlocked } from '../store/read-blocked.ts'
import { saveRequests } from '../store/save-requests.ts'
import type { PaymentRequestOutcome } from './answer-request.ts'
import type { TracedRequest } from './payment-request.ts'
import { renderAccepted, renderRefused } from './render-answer.ts'

/** A request to pay, with what was looked up for it before the transaction. */
export interface RequestWork {
  request: TracedRequest
  /** What the database knows of the requests that were looked up with it. */
  known: KnownRequests
  /** The answer of the order service; undefined if it gave none, or was not asked. */
  order: OrderToPay | 'unknown' | undefined
}

export interface ProcessRequestsDeps {
  region: string
  /** How many refusals of a user are stored under keys on one day. */
  refusalsPerDay: number
  /** Takes the statement that is sent last and not awaited, so that COMMIT travels with it. */
  last: LastStatements
  /** Receives the decisions after the commit. */
  afterCommit: (decisions: readonly RequestDecision[]) => void
}

/**
 * The request spine, beside the event spine in `../process-batch.ts`: decides a batch of requests
 * and writes idempotency keys, payments and events in one statement. It locks nothing, since a new
 * payment has no row yet. What it decides on was looked up before the transaction, and the unique
 * indexes of UNIQUE_CONSTRAINTS reject the batch if that has changed: it is looked up again and
 * decided again.
 */
export const processRequests: ProcessBatch<
  ProcessRequestsDeps,
  RequestWork,
  PaymentRequestOutcome
> = async ({ region, refusalsPerDay, last, afterCommit }, tx, work) => {
  const { now, blocked } = await readClockAndBlocked(tx, destinationsOf(work))
  const requests = work.map(({ request }) => request)
  const circumstances = { now, region, blocked }
  const decisions = decideRequests(requests, knownOf(work), ordersOf(work), circumstances)
  const answers = decisions.map((decision, index) => answerOf(requests[index]!, decision))
  const beyondQuota = await findBeyondQuota(tx, requests, decisions, refusalsPerDay)
  const stored = answers.map((answer, index) => (beyondQuota.has(index) ? undefined : answer))
  const { keys, payments, events } = effectsOf(requests, decisions, stored)
  if (keys.length > 0) last.push(saveRequests(tx, keys, payments, events))
  return {
    outcomes: decisions.map((decision, index) =>
      beyondQuota.has(decision.kind === 'repeated' ? decision.index : index)
        ? { kind: 'rejected', code: 'RATE_LIMITED' }
        : outcomeOf(decision, answers[index], answers),
    ),
    afterCommit: () => afterCommit(decisions),
  }
}

/** What is known of the requests. Of two lookups of one order, the later one counts. */
export function knownOf(work: readonly RequestWork[]): KnownRequests {
  const merged: KnownRequests = { answers: new Map(), occupied: new Map() }
  for (const { request, known } of work) {
    if (known.answers.size > 0) {
      const key = requestKeyOf(request)
      const answer = known.answers.get(key)
      if (answer) merged.answers.set(key, answer)
    }
    const order = orderOf(request)
    const occupying = known.occupied.get(order)
    if (occupying) merged.occupied.set(order, occupying)
    else merged.occupied.delete(order)
  }
  return merged
}

/** Where the orders pay to that the order service has answered with, each once. */
function destinationsOf(work: readonly RequestWork[]): Destination[] {
  const destinations = new Map<string, Destination>()
  for (const { request, order } of work) {
    if (order === undefined || order === 'unknown') continue
    const { serviceBankCode, serviceAccountNumber } = order
    const destination = { tenantId: request.tenantId, serviceBankCode, serviceAccountNumber }
    destinations.set(destinationOf(destination), destination)
  }
  return [...destinations.values()]
}

/** The orders that the order service has answered with. */
export function ordersOf(work: readonly RequestWork[]): KnownOrders {
  const orders: KnownOrders = new Map()
  for (const { request, order } of work) {
    if (order !== undefined) orders.set(ownedOrderOf(request), order)
  }
  return orders
}

/** The bytes that a decision binds its key to; undefined when it binds none. */
function answerOf(request: PaymentRequest, decision: RequestDecision): StoredAnswer | undefined {
  if (decision.kind === 'accepted') return renderAccepted(request, decision.payment)
  if (decision.kind === 'refused') return renderRefused(request, decision.code)
  return undefined
}

/** The places of the refusals that are beyond their user's quota and so are not stored. */
async function findBeyondQuota(
  tx: Tx,
  requests: readonly TracedRequest[],
  decisions: readonly RequestDecision[],
  refusalsPerDay: number,
): Promise<Set<number>> {
  const refused = decisions.flatMap((decision, place) =>
    decision.kind === 'refused' ? [{ ...requests[place]!, place }] : [],
  )
  const beyond = refused.length === 0 ? [] : await countRefusals(tx, refused, refusalsPerDay)
  return new Set(beyond.map(({ place }) => place))
}

function effectsOf(
  requests: readonly TracedRequest[],
  decisions: readonly RequestDecision[],
  answers: readonly (StoredAnswer | undefined)[],
): { keys: BoundKey[]; payments: Payment[]; events: OutboxEvent[] } {
  const keys: BoundKey[] = []
  const payments: Payment[] = []
  const events: OutboxEvent[] = []
  for (const [index, decision] of decisions.entries()) {
    const request = requests[index]!
    const answer = answers[index]
    if (!answer) continue
    const { tenantId, userId: principalId, idempotencyKey } = request
    const { fingerprint, httpStatus: status, body, paymentId: resourceId } = answer
    keys.push({ tenantId, principalId, idempotencyKey, fingerprint, status, body, resourceId })
    if (decision.kind !== 'accepted') continue
    const { traceparent } = request
    payments.push(decision.payment)
    events.push({ event: decision.event, traceparent })
  }
  return { keys, payments, events }
}

function outcomeOf(
  decision: RequestDecision,
  answer: StoredAnswer | undefined,
  answers: readonly (StoredAnswer | undefined)[],
): PaymentRequestOutcome {
  switch (decision.kind) {
    case 'accepted':
    case 'refused':
      return { kind: 'answered', answer: answer!, replayed: false }
    case 'replayed':
      return { kind: 'answered', answer: decision.answer, replayed: true }
    case 'repeated':
      return { kind: 'answered', answer: answers[decision.index]!, replayed: true }
    case 'rejected':
      return { kind: 'rejected', code: decision.code }
    default:
      return decision satisfies never
  }
}
