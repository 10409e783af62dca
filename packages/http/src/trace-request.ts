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
 * Gives a request its trace and tells the caller which (P13): the one of a valid `traceparent`,
 * else the one that a valid `X-Trace-Id` names (F1), else a new one. An `X-Trace-Id` that was
 * followed is repeated to the byte.
 */
export function traceRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { traceparent } = request.headers
  const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : null
  if (parent === null) request.traceparent = namedTrace(logger, request, reply) ?? newTraceparent()
  else request.traceparent = childTraceparent(parent)
  // Not on the raw answer: one header there, and Node checks and copies all of them once more.
  reply.header('traceparent', request.traceparent)
}

function namedTrace(logger: Logger, request: FastifyRequest, reply: FastifyReply): string | null {
  const name = request.headers['x-trace-id']
  // Node joins several with a comma and a space, which is no name.
  const named = typeof name === 'string' ? traceparentNamed(name) : null
  if (named === null) return null
  reply.header('x-trace-id', name)
  const traceId = traceIdOf(named)
  if (name === traceId) return named
  request.traceName = name as string
  // All other lines have the trace id alone; this one finds it by the text that the caller knows.
  if (logger.isLevelEnabled('debug')) {
    const { method, routeOptions } = request
    const about = { trace_id: traceId, x_trace_id: name, method, route: routeOptions.url }
    logger.debug(about, 'request of a trace that the caller has named')
  }
  return named
}
