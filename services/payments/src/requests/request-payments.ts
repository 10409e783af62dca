import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { decideByKey } from '@caudal/idempotency/decide-by-key.ts'
import {
  CommitRefusedError,
  CommitUnknownError,
  isUniqueViolation,
} from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  type RequestDecision,
  requestKeyOf,
  type KnownOrders,
  type KnownRequests,
  ordersToLookUp,
  ownedOrderOf,
  type PaymentRequest,
} from '../domain/decide-requests.ts'
import { loadRequests } from '../store/load-requests.ts'
import { UNIQUE_CONSTRAINTS } from '../store/save-requests.ts'
import type { PaymentRequestOutcome } from './answer-request.ts'
import type { TracedRequest } from './payment-request.ts'
import { knownOf, ordersOf, processRequests, type RequestWork } from './process-requests.ts'

export interface RequestPaymentsDeps {
  db: Db
  region: string
  /** How many refusals of a user are stored under keys on one day. */
  refusalsPerDay: number
  lookUpOrders: (wanted: readonly PaymentRequest[], traceparent: string) => Promise<KnownOrders>
  /** Called after each commit, with what was decided. */
  afterCommit: (decisions: readonly RequestDecision[]) => void
}

export interface PaymentRequests {
  /** Resolves once the answer is durable. Throws when the database is unavailable. */
  request(input: TracedRequest): Promise<PaymentRequestOutcome>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
}

/** A request under way. A repeated attempt begins with what an earlier one found. */
interface Attempt extends RequestWork {
  /** Bodies that an earlier attempt, whose COMMIT is unknown, may have bound to the key. */
  written: Set<string>
}

/** A round is lost only to another process, which then has its answer: a few are enough. */
const ROUNDS_AT_MOST = 6

/** The length of the queue; one tenant takes at most half of it. */
const QUEUE_REQUESTS = 20_000

/**
 * Requests that arrive together share their statements, and tenants take turns in the batches.
 * First a batch looks up its keys: a repeat is answered at once, even while the order service
 * hangs. What is new goes on in a second batch: one order lookup, one decision, one transaction. A
 * request that fails a batch fails alone.
 */
export function createPaymentRequests(deps: RequestPaymentsDeps): PaymentRequests {
  const recall = createBatcher<TracedRequest, KnownRequests>({
    turnOf: (request) => request.tenantId,
    maxQueue: QUEUE_REQUESTS,
    isolate: true,
    process: async (requests) => {
      const known = await loadRequests(deps.db, requests)
      return requests.map(() => known)
    },
  })
  const accept = createBatcher<Attempt, PaymentRequestOutcome>({
    turnOf: ({ request }) => request.tenantId,
    maxQueue: QUEUE_REQUESTS,
    isolate: true,
    process: (attempts) => acceptInRounds(deps, attempts),
  })
  return {
    async request(request) {
      const known = await recall.submit(request)
      const byKey = decideByKey(known.answers.get(requestKeyOf(request)), request.fingerprint)
      if (byKey.kind === 'new') {
        return accept.submit({ request, known, order: undefined, written: new Set() })
      }
      if (byKey.kind === 'replay') {
        return { kind: 'answered', answer: byKey.answer, replayed: true }
      }
      return { kind: 'rejected', code: 'IDEMPOTENCY_MISMATCH' }
    },
    async drain() {
      await recall.drain()
      await accept.drain()
    },
  }
}

/**
 * Runs the request spine, optimistically: if another process was faster, a unique index rejects the
 * batch, and it is loaded and decided again. The same follows a COMMIT whose outcome is unknown:
 * what was written is found under its key.
 */
async function acceptInRounds(
  deps: RequestPaymentsDeps,
  attempts: Attempt[],
): Promise<PaymentRequestOutcome[]> {
  for (let round = 1; ; round += 1) {
    await lookUpMissing(deps, attempts)
    try {
      return await accept(deps, attempts)
    } catch (error) {
      if (!isWorthAnotherRound(error) || round === ROUNDS_AT_MOST) throw error
      const known = await loadRequests(
        deps.db,
        attempts.map(({ request }) => request),
      )
      const isIdTaken = isUniqueViolation(error, UNIQUE_CONSTRAINTS.payment)
      for (const attempt of attempts) {
        attempt.known = known
        if (isIdTaken) attempt.request = { ...attempt.request, paymentId: newId() }
      }
    }
  }
}

async function lookUpMissing(deps: RequestPaymentsDeps, attempts: Attempt[]): Promise<void> {
  const requests = attempts.map(({ request }) => request)
  const missing = ordersToLookUp(requests, knownOf(attempts), ordersOf(attempts))
  if (missing.length === 0) return
  const found = await deps.lookUpOrders(missing, requests[0]!.traceparent)
  for (const attempt of attempts) attempt.order ??= found.get(ownedOrderOf(attempt.request))
}

async function accept(
  deps: RequestPaymentsDeps,
  attempts: Attempt[],
): Promise<PaymentRequestOutcome[]> {
  const { region, refusalsPerDay, afterCommit } = deps
  const result = await transaction(
    deps.db,
    async (tx, last) => {
      const processed = await processRequests(
        { region, refusalsPerDay, last, afterCommit },
        tx,
        attempts,
      )
      for (const [index, outcome] of processed.outcomes.entries()) {
        const isNew = outcome.kind === 'answered' && !outcome.replayed
        if (isNew) attempts[index]!.written.add(outcome.answer.body)
      }
      return processed
    },
    'payment-requests',
  )
  result.afterCommit?.()
  return result.outcomes.map((outcome, index) => {
    if (outcome.kind === 'rejected') return outcome
    // Found under the key after an unknown COMMIT: the request's own answer, not sent yet.
    const isOwn = attempts[index]!.written.has(outcome.answer.body)
    return { ...outcome, replayed: outcome.replayed && !isOwn }
  })
}

function isWorthAnotherRound(error: unknown): boolean {
  if (error instanceof CommitUnknownError || error instanceof CommitRefusedError) return true
  return Object.values(UNIQUE_CONSTRAINTS).some((name) => isUniqueViolation(error, name))
}
