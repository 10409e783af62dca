import { ERROR_CODES, type ErrorCode } from '@caudal/contracts/error-codes.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply } from 'fastify'

/** Additional members of the document and headers of the answer. */
export interface ProblemExtra {
  members?: Record<string, unknown>
  headers?: Record<string, string>
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

const RETRY_AFTER_SECONDS = '1'

/**
 * An answer that is not a success (RFC 9457); status and title belong to the code. `detail` is for
 * the caller: never SQL, file names or addresses.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ErrorCode
  readonly statusCode: number
  readonly detail: string | undefined
  readonly extra: ProblemExtra

  constructor(code: ErrorCode, detail?: string, extra: ProblemExtra = {}) {
    super(detail ?? ERROR_CODES[code].title)
    this.code = code
    this.statusCode = ERROR_CODES[code].status
    this.detail = detail
    this.extra = extra
  }
}

/** The stable URI of a kind of problem, such as `https://caudal.dev/errors/order-not-found`. */
function problemType(code: ErrorCode): string {
  return `https://caudal.dev/errors/${code.toLowerCase().replaceAll('_', '-')}`
}

/**
 * The bytes of a problem document. A service stores them with the idempotency key of a refusal, so
 * that a replay has the same bytes.
 */
export function problemBody(
  code: ErrorCode,
  traceId: string,
  detail?: string,
  members?: Record<string, unknown>,
): string {
  const { status, title } = ERROR_CODES[code]
  const type = problemType(code)
  // Every problem has a detail; by default it is the title.
  const own = { detail: detail ?? title, code, trace_id: traceId }
  return JSON.stringify({ type, title, status, ...own, ...members })
}

/** Headers of a code in every answer: `WWW-Authenticate`, `Retry-After`. */
function problemHeaders(code: ErrorCode): Record<string, string> {
  switch (code) {
    case 'UNAUTHENTICATED':
      return { 'www-authenticate': 'Bearer realm="caudal"' }
    case 'OVERLOADED':
    case 'UNAVAILABLE':
    case 'RATE_LIMITED':
      return { 'retry-after': RETRY_AFTER_SECONDS }
    default:
      return {}
  }
}

/** Status, headers and body of a problem, for code that answers without the framework. */
export function renderProblem(problem: Problem, traceId: string) {
  const { code, statusCode: status, detail, extra } = problem
  const headers: Record<string, string> = {
    ...problemHeaders(code),
    ...extra.headers,
    'content-type': PROBLEM_CONTENT_TYPE,
  }
  return { status, headers, body: problemBody(code, traceId, detail, extra.members) }
}

/** Answers with a problem without throwing, which is cheaper for frequent refusals. */
export function sendProblem(
  reply: FastifyReply,
  code: ErrorCode,
  detail?: string,
  extra: ProblemExtra = {},
): FastifyReply {
  const traceId = traceIdOf(reply.request.traceparent)
  // Bytes, because fastify would add a charset to text; this media type has none.
  const body = Buffer.from(problemBody(code, traceId, detail, extra.members))
  return reply
    .code(ERROR_CODES[code].status)
    .headers(problemHeaders(code))
    .headers(extra.headers ?? {})
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .send(body)
}
