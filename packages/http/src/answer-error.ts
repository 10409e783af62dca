import type { Logger } from '@caudal/telemetry/logger.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isRetryable } from './is-retryable.ts'
import { Problem, sendProblem } from './problem.ts'

/**
 * Turns whatever a handler threw into a problem document: problems as they are, the framework's
 * refusals under our codes, faults of databases and peers as 503, everything else as a bare 500.
 */
export function answerError(
  logger: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Problem) return sendProblem(reply, error.code, error.detail, error.extra)
  const refusal = frameworkRefusal(error)
  if (refusal !== undefined) return sendProblem(reply, refusal.code, refusal.detail)
  const about = {
    trace_id: traceIdOf(request.traceparent),
    method: request.method,
    route: request.routeOptions.url,
    error,
  }
  if (codeOf(error) === 'OVERLOADED') return sendProblem(reply, 'OVERLOADED')
  if (isRetryable(error)) {
    logger.warn(about, 'a request could not be served for now')
    return sendProblem(reply, 'UNAVAILABLE')
  }
  logger.error(about, 'a request failed unexpectedly')
  return sendProblem(reply, 'INTERNAL')
}

function frameworkRefusal(error: unknown): Problem | undefined {
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('BODY_TOO_LARGE')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('UNSUPPORTED_MEDIA_TYPE', 'send application/json')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('MALFORMED_REQUEST', 'the body does not have the announced length')
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
