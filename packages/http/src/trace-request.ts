import type { Logger } from '@caudal/telemetry/logger.ts'
import {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  traceIdOf,
  traceparentNamed,
} from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Sets the trace of a request and returns it in a header (P13): the one of a valid `traceparent`,
 * else the one that a valid `X-Trace-Id` names (F1), else a new one. An `X-Trace-Id` that was used
 * is returned unchanged.
 */
export function traceRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { traceparent } = request.headers
  const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : null
  if (parent === null) request.traceparent = namedTrace(logger, request, reply) ?? newTraceparent()
  else request.traceparent = childTraceparent(parent)
  // Not on the raw response: with one header there, Node validates and copies all of them again.
  reply.header('traceparent', request.traceparent)
}

function namedTrace(logger: Logger, request: FastifyRequest, reply: FastifyReply): string | null {
  const name = request.headers['x-trace-id']
  // Node joins several headers with a comma and a space, which is not a valid name.
  const named = typeof name === 'string' ? traceparentNamed(name) : null
  if (named === null) return null
  reply.header('x-trace-id', name)
  const traceId = traceIdOf(named)
  if (name === traceId) return named
  request.traceName = name as string
  // Other log lines have only the trace id; this line finds it by the caller's own text.
  if (logger.isLevelEnabled('debug')) {
    const { method, routeOptions } = request
    const about = { trace_id: traceId, x_trace_id: name, method, route: routeOptions.url }
    logger.debug(about, 'request with a trace named by its caller')
  }
  return named
}
