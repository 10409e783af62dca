import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import { sendProblem } from '@caudal/http/problem.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { childTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Peer, PeerFault } from '../peers/create-peer.ts'
import type { PeerAnswer } from '../peers/exchange.ts'
import type { PeerFailure, PeerWatch } from '../peers/watch-peers.ts'
import type { InternalTokens } from '../tokens/mint-internal-tokens.ts'

export interface ForwardDeps {
  tokens: InternalTokens
  logger: Logger
  watch: PeerWatch
}

/** Headers of a request that are passed on; every other one stays outside. */
const PASSED_IN = ['content-type', 'idempotency-key', 'tracestate'] as const
/** Headers of an answer that are passed back. */
const PASSED_OUT = ['content-type', 'idempotency-replayed', 'retry-after', 'allow'] as const
const MAX_HEADER_LENGTH = 1_024
const UNAUTHORIZED = 401

/**
 * Passes a verified request on to the service that owns it and its answer back, both to the byte.
 * Identity goes inside as the gateway's own token and nothing else (P1): a header that claims one
 * is among those left behind.
 */
export async function forward(
  deps: ForwardDeps,
  to: { peer: Peer; audience: string; path: string; paymentId?: string },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { peer, audience, path, paymentId } = to
  const identity = identityOf(request)
  const token = await deps.tokens(identity, audience)
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    traceparent: childTraceparent(request.traceparent),
  }
  if (paymentId !== undefined) headers['x-payment-id'] = paymentId
  for (const name of PASSED_IN) {
    const value = request.headers[name]
    // A longer one is invalid; its beginning is enough for the service to refuse it.
    if (typeof value === 'string') headers[name] = value.slice(0, MAX_HEADER_LENGTH)
  }
  const body = Buffer.isBuffer(request.body) ? request.body : null
  const method = request.method === 'POST' ? 'POST' : 'GET'
  const inner = { method, path, headers, body } as const
  const answer = await peer.send(inner, identity.tenantId).catch(asFault)
  if (answer instanceof PeerFault) {
    report(deps, peer, request, { code: answer.code, payment_id: paymentId, err: answer })
    sendProblem(reply, answer.code === 'OVERLOADED' ? 'OVERLOADED' : 'UNAVAILABLE')
  } else {
    const code = failureOf(answer)
    if (code === undefined) deps.watch.answered(peer.name)
    else report(deps, peer, request, { code, payment_id: paymentId })
    passOn(answer, reply)
  }
}

function asFault(error: unknown): PeerFault {
  if (error instanceof PeerFault) return error
  throw error
}

/** The code of an answer that is a failure of the service. */
function failureOf({ status }: PeerAnswer): string | undefined {
  // The caller's token was valid. The gateway's was not: its key was just replaced.
  if (status === UNAUTHORIZED) return 'TOKEN_REFUSED'
  return status < 500 ? undefined : `ANSWERED_${status}`
}

function passOn({ status, headers, body }: PeerAnswer, reply: FastifyReply): void {
  if (status === UNAUTHORIZED) {
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
  { logger, watch }: ForwardDeps,
  peer: Peer,
  request: FastifyRequest,
  about: PeerFailure,
): void {
  const trace = { trace_id: traceIdOf(request.traceparent), x_trace_id: request.traceName }
  const actor = actorOf(identityOf(request))
  watch.failed(peer.name, { ...trace, actor, ...about })
  logger.debug({ ...trace, actor, peer: peer.name, ...about }, 'could not pass on a request')
}
