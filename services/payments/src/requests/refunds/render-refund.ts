import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import { PROBLEM_CONTENT_TYPE, Problem, problemBody } from '@caudal/http/problem.ts'
import type { BoundAnswer } from '@caudal/idempotency/bound-key.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type {
  RefundRefusalCode,
  RefundRejectionCode,
  RefundRequest,
} from '../../domain/decide-refund-requests.ts'
import type { Refund } from '../../domain/refund.ts'
import type { RenderedAnswer } from '../answer-request.ts'

/** The outcome of a request: the bytes bound to its key, or a rejection that binds no key. */
export type RefundRequestOutcome =
  | { kind: 'answered'; answer: BoundAnswer; replayed: boolean }
  | { kind: 'rejected'; code: RefundRejectionCode; detail?: string | undefined }

const ACCEPTED = 202
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8'

const REFUSAL_DETAILS: Record<RefundRefusalCode, string> = {
  PAYMENT_NOT_REFUNDABLE: 'only a payment that is COMPLETED can be refunded',
  PAYMENT_IN_DOUBT: 'it is not known yet whether the payment was captured',
  PAYMENT_DISPUTED: 'the payer disputes the payment, and no refund is made until that ends',
  REFUND_EXCEEDS_CAPTURED: 'the amount is more than what can still be refunded of the payment',
  REFUND_WINDOW_CLOSED: 'the payment was captured too long ago to be refunded',
  REFUND_LIMIT_REACHED: 'no more refunds of this payment are accepted',
}

/** A refund in HTTP answers: the reason of a failure is shown only with FAILED. */
export function viewRefund(refund: Refund) {
  return {
    refund_id: refund.refundId,
    payment_id: refund.paymentId,
    status: refund.status,
    amount: formatAmount(refund.amountMinor, refund.currency),
    currency: refund.currency,
    reason: refund.cause,
    metadata: refund.metadata,
    failure_reason: refund.status === 'FAILED' ? refund.failureReason : null,
    version: refund.version,
    created_at: refund.createdAt.toISOString(),
    updated_at: refund.updatedAt.toISOString(),
  }
}

/** The answer to an accepted refund; its bytes are stored. */
export function renderAcceptedRefund({ fingerprint }: RefundRequest, refund: Refund): BoundAnswer {
  const body = JSON.stringify(viewRefund(refund))
  return { fingerprint, status: ACCEPTED, body, resourceId: refund.refundId }
}

/** The problem document of a refusal, stored like a success; replays keep its trace id. */
export function renderRefusedRefund(
  { fingerprint, traceId }: RefundRequest,
  { code, members }: { code: RefundRefusalCode; members?: Record<string, string> },
): BoundAnswer {
  const body = problemBody(code, traceId, REFUSAL_DETAILS[code], members)
  return { fingerprint, status: ERROR_CODES[code].status, body, resourceId: null }
}

/**
 * The answer with the bytes that the key is bound to, the same for the request and each replay.
 *
 * @throws {Problem} for a rejection
 */
export function renderedRefundAnswerOf(outcome: RefundRequestOutcome): RenderedAnswer {
  if (outcome.kind === 'rejected') throw rejection(outcome)
  const { answer, replayed } = outcome
  const { status, body, resourceId } = answer
  const headers: Record<string, string> = {
    'content-type': resourceId === null ? PROBLEM_CONTENT_TYPE : JSON_CONTENT_TYPE,
  }
  if (replayed) headers['idempotency-replayed'] = 'true'
  if (resourceId !== null) headers['location'] = refundLocation(resourceId)
  return { status, headers, body }
}

/** The public address of a refund. */
export function refundLocation(refundId: string): string {
  return `/api/v1/refunds/${refundId}`
}

function rejection({ code, detail }: Extract<RefundRequestOutcome, { kind: 'rejected' }>): Problem {
  if (code === 'IDEMPOTENCY_MISMATCH') {
    return new Problem(code, 'the idempotency-key was used for another request')
  }
  if (code === 'MALFORMED_REQUEST') {
    return new Problem(code, detail, { members: { param: 'amount' } })
  }
  return new Problem(code)
}
