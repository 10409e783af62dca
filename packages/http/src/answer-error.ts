import type { Actor } from '@caudal/contracts/actor.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actorOf } from './actor-of.ts'
import { Problem, sendProblem } from './problem.ts'

const UNSERVED = 'could not serve a request for now'

/** Which request failed, for the log. */
interface About {
  trace_id: string
  /** What the caller calls the trace. */
  x_trace_id?: string | undefined
  method: string
  route: string | undefined
  /** Who called, where the token was verified. */
  actor?: Actor
}

/** Answers whatever a handler threw with a problem document. */
export function answerError(
  logger: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { code, detail, extra } = problemOf(logger, error, () => ({
    trace_id: traceIdOf(request.traceparent),
    x_trace_id: request.traceName,
    method: request.method,
    route: request.routeOptions.url,
    ...(request.identity && { actor: actorOf(request.identity) }),
  }))
  return sendProblem(reply, code, detail, extra)
}

/**
 * The problem that an error is to the caller: problems as they are, the framework's refusals under
 * our codes, faults of databases and peers as 503, everything else as a bare 500. What is ours to
 * mend is logged.
 */
export function problemOf(logger: Logger, error: unknown, about: () => About): Problem {
  if (error instanceof Problem) {
    if (error.cause !== undefined && error.statusCode >= 500) {
      logger.warn({ ...about(), code: error.code, err: error.cause }, UNSERVED)
    }
    return error
  }
  const refusal = frameworkRefusal(error)
  if (refusal !== undefined) return refusal
  if (codeOf(error) === 'OVERLOADED') return new Problem('OVERLOADED')
  if (isRetryable(error)) {
    logger.warn({ ...about(), err: error }, UNSERVED)
    return new Problem('UNAVAILABLE')
  }
  logger.error({ ...about(), err: error }, 'a request failed unexpectedly')
  return new Problem('INTERNAL')
}

function frameworkRefusal(error: unknown): Problem | undefined {
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('BODY_TOO_LARGE')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('UNSUPPORTED_MEDIA_TYPE', 'send application/json')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('MALFORMED_REQUEST', 'the length of the body differs from Content-Length')
    case 'FST_ERR_BAD_URL':
      return new Problem('MALFORMED_REQUEST', 'the address is not well formed')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Problem('ROUTE_NOT_FOUND')
    case 'MALFORMED_REQUEST':
      return new Problem('MALFORMED_REQUEST', (error as Error).message)
    default:
      return clientAborted(error) ? new Problem('MALFORMED_REQUEST') : undefined
  }
}

// A body cut short by its sender surfaces as a reset of the request's own stream.
function clientAborted(error: unknown): boolean {
  return error instanceof Error && error.message === 'aborted' && codeOf(error) === 'ECONNRESET'
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
