import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { loadKeys } from '@caudal/idempotency/load-keys.ts'
import {
  CommitRefusedError,
  CommitUnknownError,
  isUniqueViolation,
} from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { RefundPolicy, RefundRequestDecision } from '../../domain/decide-refund-requests.ts'
import { REFUND_KEYS } from '../../store/refund-keys.ts'
import { REFUND_KEY_CONSTRAINT } from '../../store/save-refund-requests.ts'
import { processRefundRequests } from './process-refund-requests.ts'
import type { TracedRefundRequest } from './refund-request.ts'
import type { RefundRequestOutcome } from './render-refund.ts'

export interface RequestRefundsDeps {
  db: Db
  region: string
  policy: RefundPolicy
  /** Called after each commit, with what was decided. */
  afterCommit: (decisions: readonly RefundRequestDecision[]) => void
}

export interface RefundRequests {
  /** Resolves once the answer is durable. Throws when the database is unavailable. */
  request(input: TracedRefundRequest): Promise<RefundRequestOutcome>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
}

/** A request under way. */
interface Attempt {
  request: TracedRefundRequest
  /** Bodies that an earlier round, whose COMMIT is unknown, may have bound to the key. */
  written: Set<string>
}

/** A round is lost only to another process, which then has its answer: a few are enough. */
const ROUNDS_AT_MOST = 6

/** The length of the queue; one tenant takes at most half of it. */
const QUEUE_REQUESTS = 10_000

/** Requests that arrive together are one batch, and tenants take turns in the batches. */
export function createRefundRequests(deps: RequestRefundsDeps): RefundRequests {
  const batcher = createBatcher<Attempt, RefundRequestOutcome>({
    turnOf: ({ request }) => request.tenantId,
    maxQueue: QUEUE_REQUESTS,
    isolate: true,
    process: (attempts) => decideInRounds(deps, attempts),
  })
  return {
    request: (request) => batcher.submit({ request, written: new Set() }),
    drain: () => batcher.drain(),
  }
}

/**
 * Looks up the keys and decides. If another process bound one meanwhile, or the outcome of the
 * COMMIT is unknown, both are done again: what was written is found under its key.
 */
async function decideInRounds(
  deps: RequestRefundsDeps,
  attempts: readonly Attempt[],
): Promise<RefundRequestOutcome[]> {
  for (let round = 1; ; round += 1) {
    try {
      return await decide(deps, attempts)
    } catch (error) {
      const isLost =
        error instanceof CommitUnknownError ||
        error instanceof CommitRefusedError ||
        isUniqueViolation(error, REFUND_KEY_CONSTRAINT)
      if (!isLost || round === ROUNDS_AT_MOST) throw error
    }
  }
}

async function decide(
  { db, region, policy, afterCommit }: RequestRefundsDeps,
  attempts: readonly Attempt[],
): Promise<RefundRequestOutcome[]> {
  const answers = await loadKeys(
    db,
    REFUND_KEYS,
    attempts.map(({ request }) => ({ ...request, principalId: request.clientId })),
  )
  const work = attempts.map(({ request }, index) => ({ request, answer: answers[index] }))
  const result = await transaction(
    db,
    async (tx) => {
      const processed = await processRefundRequests({ region, policy, afterCommit }, tx, work)
      for (const [index, outcome] of processed.outcomes.entries()) {
        const isNew = outcome.kind === 'answered' && !outcome.replayed
        if (isNew) attempts[index]!.written.add(outcome.answer.body)
      }
      return processed
    },
    'refund-requests',
  )
  result.afterCommit?.()
  return result.outcomes.map((outcome, index) => {
    if (outcome.kind === 'rejected') return outcome
    // Found under the key after an unknown COMMIT: the request's own answer, not sent yet.
    const isOwn = attempts[index]!.written.has(outcome.answer.body)
    return { ...outcome, replayed: outcome.replayed && !isOwn }
  })
}
