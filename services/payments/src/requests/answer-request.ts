import { Problem, PROBLEM_CONTENT_TYPE } from '@caudal/http/problem.ts'
import type { FastifyReply } from 'fastify'
import type { RejectionCode, StoredAnswer } from '../domain/decide-requests.ts'

/** The outcome of a request: the bytes bound to its key, or a rejection that binds no key. */
export type PaymentRequestOutcome =
  | { kind: 'answered'; answer: StoredAnswer; replayed: boolean }
  | { kind: 'rejected'; code: RejectionCode }

/** An HTTP answer. */
export interface RenderedAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

const JSON_CONTENT_TYPE = 'application/json; charset=utf-8'

/** The day may end sooner or later than in an hour. */
const QUOTA_RETRY_SECONDS = '3600'

const REJECTION_DETAILS: Record<RejectionCode, string> = {
  IDEMPOTENCY_MISMATCH: 'the idempotency-key was used with a different body',
  ORDER_NOT_FOUND: 'the user has no such order',
  RATE_LIMITED: 'too many refused requests of this user today; a new day begins at 00:00 UTC',
  UNAVAILABLE: 'the order could not be looked up; retry with the same idempotency-key',
}

/**
 * The answer with the bytes that the key is bound to, the same for the request and each replay.
 *
 * @throws {Problem} for a rejection
 */
export function renderedAnswerOf(outcome: PaymentRequestOutcome): RenderedAnswer {
  if (outcome.kind === 'rejected') {
    const headers = outcome.code === 'RATE_LIMITED' ? { 'retry-after': QUOTA_RETRY_SECONDS } : {}
    throw new Problem(outcome.code, REJECTION_DETAILS[outcome.code], { headers })
  }
  const { answer, replayed } = outcome
  const { httpStatus: status, body, paymentId } = answer
  const headers: Record<string, string> = {
    'content-type': paymentId === null ? PROBLEM_CONTENT_TYPE : JSON_CONTENT_TYPE,
  }
  if (replayed) headers['idempotency-replayed'] = 'true'
  if (paymentId !== null) headers['location'] = `/api/v1/payments/${paymentId}`
  return { status, headers, body }
}

/** As bytes: to a text fastify would add a charset, which problem documents do not have. */
export function sendRendered(
  reply: FastifyReply,
  { status, headers, body }: RenderedAnswer,
): FastifyReply {
  return reply.code(status).headers(headers).send(Buffer.from(body))
}
