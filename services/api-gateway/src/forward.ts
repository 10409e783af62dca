import { identityOf } from '@caudal/http/authenticate.ts'
import { sendProblem } from '@caudal/http/problem.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { childTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Peer, PeerFault } from './create-peer.ts'
import type { PeerAnswer } from './exchange.ts'
import type { InternalTokens } from './mint-internal-tokens.ts'

export interface ForwardDeps {
  tokens: InternalTokens
  logger: Logger
  /** Counts what a peer could not answer. */
  countFault: (peer: string, code: string) => void
}

/** Headers of a request that mean something to a service; every other one stays outside. */
const PASSED_IN = ['content-type', 'idempotency-key', 'tracestate'] as const
/** Headers of an answer that mean something to the caller. */
const PASSED_OUT = ['content-type', 'idempotency-replayed', 'retry-after', 'allow'] as const
const MAX_HEADER_LENGTH = 1_024

/**
 * Passes a verified request on to the service that owns it and its answer back, both to the byte.
 * Identity goes inside as the gateway's own token and nothing else (P1): a header that claims one
 * is among those left behind.
 */
export async function forward(
  deps: ForwardDeps,
  to: { peer: Peer; path: string; paymentId?: string },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { peer, path, paymentId } = to
  const token = await deps.tokens(identityOf(request), peer.name)
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    traceparent: childTraceparent(request.traceparent),
  }
  if (paymentId !== undefined) headers['x-payment-id'] = paymentId
  for (const name of PASSED_IN) {
    const value = request.headers[name]
    // What is longer is wrong anyhow; its beginning lets the service say so.
    if (typeof value === 'string') headers[name] = value.slice(0, MAX_HEADER_LENGTH)
  }
  const body = Buffer.isBuffer(request.body) ? request.body : null
  const method = request.method === 'POST' ? 'POST' : 'GET'
  const answer = await peer.send({ method, path, headers, body }).catch(asFault)
  if (answer instanceof PeerFault) {
    report(deps, peer, request, { code: answer.code, payment_id: paymentId, error: answer })
    sendProblem(reply, answer.code === 'OVERLOADED' ? 'OVERLOADED' : 'UNAVAILABLE')
  } else {
    passOn(deps, peer, answer, request, reply)
  }
}

function asFault(error: unknown): PeerFault {
  if (error instanceof PeerFault) return error
  throw error
}

function passOn(
  deps: ForwardDeps,
  peer: Peer,
  { status, headers, body }: PeerAnswer,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  // The caller's token was good; that ours was not (a key just replaced) is not the caller's fault.
  if (status === 401) {
    report(deps, peer, request, { code: 'TOKEN_REFUSED' })
    sendProblem(reply, 'UNAVAILABLE')
    return
  }
  reply.code(status)
  for (const name of PASSED_OUT) {
    const value = headers[name]
    if (value !== undefined) reply.header(name, value)
  }
  if (headers.location !== undefined) {
    reply.header('location', headers.location.replace(/^\/v1\//, '/api/v1/'))
  }
  reply.send(body)
}

function report(
  { logger, countFault }: ForwardDeps,
  peer: Peer,
  request: FastifyRequest,
  about: { code: string; payment_id?: string | undefined; error?: Error },
): void {
  countFault(peer.name, about.code)
  const trace = { trace_id: traceIdOf(request.traceparent), x_trace_id: request.traceName }
  logger.warn({ ...trace, peer: peer.name, ...about }, 'a request was not passed on')
}
