import { type Batcher, createBatcher } from '@caudal/batching/create-batcher.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { BoundKey } from '@caudal/idempotency/bound-key.ts'
import { decideByKey } from '@caudal/idempotency/decide-by-key.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import {
  CommitRefusedError,
  CommitUnknownError,
  isUniqueViolation,
} from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  type Decision,
  decideRequests,
  keyOf,
  type KnownOrders,
  type KnownRequests,
  orderOf,
  ordersToLookUp,
  type PaymentRequest,
  type StoredAnswer,
} from '../domain/decide-requests.ts'
import type { Payment } from '../domain/payment.ts'
import { loadRequests } from '../store/load-requests.ts'
import { saveRequests, UNIQUE_CONSTRAINTS } from '../store/save-requests.ts'
import type { Outcome } from './answer-request.ts'
import type { TracedRequest } from './payment-request.ts'
import { renderAccepted, renderRefused } from './render-answer.ts'

export interface RequestPaymentsDeps {
  db: Db
  region: string
  lookUpOrders: (wanted: readonly PaymentRequest[], traceparent: string) => Promise<KnownOrders>
  /** Called after each commit, with what was decided. */
  afterCommit: (decisions: readonly Decision[]) => void
}

export interface PaymentRequests {
  /** Resolves once the answer is durable. Throws when the database is unavailable. */
  request(input: TracedRequest): Promise<Outcome>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
}

type Loaded = { request: TracedRequest; known: KnownRequests }

/** A round is lost only to another process, which then has its answer: a few are enough. */
const ROUNDS_AT_MOST = 6

/** The length of the queue; one tenant takes at most half of it. */
const QUEUE_REQUESTS = 20_000

/**
 * Requests that arrive together share their statements, and tenants take turns in the batches.
 * First a batch looks up its keys: a repeat is answered at once, even while the order service
 * hangs. What is new goes on in a second batch: one order lookup, one decision, one transaction.
 */
export function createPaymentRequests(deps: RequestPaymentsDeps): PaymentRequests {
  const recall: Batcher<TracedRequest, KnownRequests> = createBatcher({
    turnOf: (request) => request.tenantId,
    maxQueue: QUEUE_REQUESTS,
    process: async (requests) => {
      const known = await loadRequests(deps.db, requests)
      return requests.map(() => known)
    },
  })
  const accept: Batcher<Loaded, Outcome> = createBatcher({
    turnOf: ({ request }) => request.tenantId,
    maxQueue: QUEUE_REQUESTS,
    process: (loaded) => acceptBatch(deps, loaded),
  })
  return {
    async request(request) {
      const known = await recall.submit(request)
      const byKey = decideByKey(known.answers.get(keyOf(request)), request.fingerprint)
      if (byKey.kind === 'new') return accept.submit({ request, known })
      if (byKey.kind === 'replay') return replayOf(byKey.answer)
      return { kind: 'rejected', code: 'IDEMPOTENCY_MISMATCH' }
    },
    async drain() {
      await recall.drain()
      await accept.drain()
    },
  }
}

function replayOf(answer: StoredAnswer): Outcome {
  return { kind: 'answered', answer, replayed: true }
}

/**
 * Looks up, decides and writes, optimistically: if another process was faster, a unique index
 * rejects the batch, and it is loaded and decided again. The same follows a COMMIT whose outcome is
 * unknown: what was written is found under its key.
 */
async function acceptBatch(deps: RequestPaymentsDeps, loaded: Loaded[]): Promise<Outcome[]> {
  let requests = loaded.map(({ request }) => request)
  let known = mergeKnown(loaded)
  const orders: KnownOrders = new Map()
  const attempted = new Map<string, number>()
  for (let round = 1; ; round += 1) {
    const missing = ordersToLookUp(requests, known, orders)
    if (missing.length > 0) {
      const found = await deps.lookUpOrders(missing, requests[0]!.traceparent)
      for (const [key, order] of found) orders.set(key, order)
    }
    const decisions = decideRequests(requests, known, orders, deps.region)
    const answers = decisions.map((decision, index) => answerOf(requests[index]!, decision))
    try {
      await write(deps, requests, decisions, answers)
      deps.afterCommit(decisions)
      return decisions.map((decision, index) => outcomeOf(decision, index, answers, attempted))
    } catch (error) {
      if (!isWorthAnotherRound(error) || round === ROUNDS_AT_MOST) throw error
      for (const [index, answer] of answers.entries()) if (answer) attempted.set(answer.body, index)
      if (isUniqueViolation(error, UNIQUE_CONSTRAINTS.payment)) {
        requests = requests.map((request) => ({ ...request, paymentId: newId() }))
      }
      known = await loadRequests(deps.db, requests)
    }
  }
}

function isWorthAnotherRound(error: unknown): boolean {
  if (error instanceof CommitUnknownError || error instanceof CommitRefusedError) return true
  return Object.values(UNIQUE_CONSTRAINTS).some((name) => isUniqueViolation(error, name))
}

/** What the batches of the first stage found, the newest last, so that it wins. */
function mergeKnown(loaded: readonly Loaded[]): KnownRequests {
  const merged: KnownRequests = {
    now: loaded.at(-1)!.known.now,
    answers: new Map(),
    occupied: new Map(),
  }
  for (const { request, known } of loaded) {
    const order = orderOf(request)
    const occupying = known.occupied.get(order)
    if (occupying) merged.occupied.set(order, occupying)
    else merged.occupied.delete(order)
  }
  return merged
}

/** The bytes that a decision binds its key to; undefined when it binds none. */
function answerOf(request: PaymentRequest, decision: Decision): StoredAnswer | undefined {
  if (decision.kind === 'accepted') return renderAccepted(request, decision.payment)
  if (decision.kind === 'refused') return renderRefused(request, decision.code)
  return undefined
}

async function write(
  { db }: RequestPaymentsDeps,
  requests: readonly TracedRequest[],
  decisions: readonly Decision[],
  answers: readonly (StoredAnswer | undefined)[],
): Promise<void> {
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
  if (keys.length > 0) await transaction(db, (tx) => saveRequests(tx, keys, payments, events))
}

function outcomeOf(
  decision: Decision,
  index: number,
  answers: readonly (StoredAnswer | undefined)[],
  attempted: ReadonlyMap<string, number>,
): Outcome {
  switch (decision.kind) {
    case 'accepted':
    case 'refused':
      return { kind: 'answered', answer: answers[index]!, replayed: false }
    case 'replayed': {
      // Found under the key after an unknown COMMIT: our own answer, not sent yet.
      const isOwn = attempted.get(decision.answer.body) === index
      return { kind: 'answered', answer: decision.answer, replayed: !isOwn }
    }
    case 'repeated':
      return replayOf(answers[decision.index]!)
    case 'rejected':
      return { kind: 'rejected', code: decision.code }
    default:
      return decision satisfies never
  }
}
