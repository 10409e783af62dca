import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import type { BoundAnswer, BoundKey } from '@caudal/idempotency/bound-key.ts'
import {
  decideRefundRequests,
  type RefundPolicy,
  type RefundRequest,
  type RefundRequestDecision,
} from '../../domain/decide-refund-requests.ts'
import { countRefunds } from '../../store/count-refunds.ts'
import { findDisputed } from '../../store/load-disputes.ts'
import { lockPayments } from '../../store/lock-payments.ts'
import { savePayments } from '../../store/save-payments.ts'
import { saveRefundRequests } from '../../store/save-refund-requests.ts'
import type { TracedRefundRequest } from './refund-request.ts'
import {
  type RefundRequestOutcome,
  renderAcceptedRefund,
  renderRefusedRefund,
} from './render-refund.ts'

/** A request for a refund, with what its key is bound to, looked up before the transaction. */
export interface RefundWork {
  request: TracedRefundRequest
  answer: BoundAnswer | undefined
}

export interface ProcessRefundRequestsDeps {
  region: string
  policy: RefundPolicy
  /** Receives the decisions after the commit. */
  afterCommit: (decisions: readonly RefundRequestDecision[]) => void
}

/**
 * The spine of requests for refunds: decides a batch under the row locks of its payments, in sorted
 * order, so that no two processes give the same money back, and writes refunds, keys, sums and
 * events in sets. A key that another process bound meanwhile is rejected by its unique index.
 */
export const processRefundRequests: ProcessBatch<
  ProcessRefundRequestsDeps,
  RefundWork,
  RefundRequestOutcome
> = async ({ region, policy, afterCommit }, tx, work) => {
  const requests = work.map(({ request }) => request)
  const paymentIds = [...new Set(requests.map(({ paymentId }) => paymentId))].toSorted()
  const { now, payments } = await lockPayments(tx, paymentIds)
  const counts = await countRefunds(tx, paymentIds)
  const disputed = await findDisputed(tx, paymentIds)
  const { decisions, changed } = decideRefundRequests(
    requests,
    { answers: work.map(({ answer }) => answer), payments, counts, disputed },
    { now, region, policy },
  )
  const answers = decisions.map((decision, index) => answerOf(requests[index]!, decision))
  const { keys, refunds, events } = effectsOf(requests, decisions, answers)
  if (keys.length > 0) await saveRefundRequests(tx, keys, refunds)
  if (events.length > 0) await savePayments(tx, changed, events)
  return {
    outcomes: decisions.map((decision, index) => outcomeOf(decision, answers[index], answers)),
    afterCommit: () => afterCommit(decisions),
  }
}

/** The bytes that a decision binds its key to; undefined when it binds none. */
function answerOf(
  request: RefundRequest,
  decision: RefundRequestDecision,
): BoundAnswer | undefined {
  if (decision.kind === 'accepted') return renderAcceptedRefund(request, decision.refund)
  if (decision.kind === 'refused') return renderRefusedRefund(request, decision)
  return undefined
}

function effectsOf(
  requests: readonly TracedRefundRequest[],
  decisions: readonly RefundRequestDecision[],
  answers: readonly (BoundAnswer | undefined)[],
) {
  const keys = requests.flatMap((request, index): BoundKey[] => {
    const { tenantId, clientId: principalId, idempotencyKey } = request
    const answer = answers[index]
    return answer ? [{ tenantId, principalId, idempotencyKey, ...answer }] : []
  })
  const accepted = decisions.flatMap((decision, index) =>
    decision.kind === 'accepted' ? [{ ...decision, request: requests[index]! }] : [],
  )
  return {
    keys,
    refunds: accepted.map(({ refund }) => refund),
    events: accepted.map(({ event, request }) => ({ event, traceparent: request.traceparent })),
  }
}

function outcomeOf(
  decision: RefundRequestDecision,
  answer: BoundAnswer | undefined,
  answers: readonly (BoundAnswer | undefined)[],
): RefundRequestOutcome {
  switch (decision.kind) {
    case 'accepted':
    case 'refused':
      return { kind: 'answered', answer: answer!, replayed: false }
    case 'replayed':
      return { kind: 'answered', answer: decision.answer, replayed: true }
    case 'repeated':
      return { kind: 'answered', answer: answers[decision.index]!, replayed: true }
    case 'rejected':
      return { kind: 'rejected', code: decision.code, detail: decision.detail }
    default:
      return decision satisfies never
  }
}
