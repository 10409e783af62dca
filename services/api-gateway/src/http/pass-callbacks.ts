import assert from 'node:assert/strict'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { TokenBuckets } from '@caudal/http/create-token-buckets.ts'
import { Problem, sendProblem } from '@caudal/http/problem.ts'
import { withRawBodies } from '@caudal/http/with-raw-bodies.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { childTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type Peer, PeerFault } from '../peers/create-peer.ts'
import type { PeerAnswer } from '../peers/exchange.ts'
import type { PeerWatch } from '../peers/watch-peers.ts'
import type { PeerName } from './public-routes.ts'

/** The service that verifies and stores callbacks. */
export const CALLBACK_PEER: PeerName = 'processor'

export interface CallbackDeps {
  peers: ReadonlyMap<PeerName, Peer>
  /** A budget of its own, by address: users and callbacks take nothing from each other. */
  callbackBuckets: TokenBuckets
  bodyLimitBytes: number
  logger: Logger
  watch: PeerWatch
}

/** No other text gets into the path of an inner request. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/
/** The turn of callbacks at their peer. */
const TURN = 'callbacks'
/** Headers between two hops, of callers, and those that claim where a request comes from. */
const LEFT_BEHIND = new RegExp(
  '^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-length|' +
    'authorization|cookie|proxy-.*|forwarded|x-forwarded-.*|x-real-ip|traceparent|x-trace-id)$',
)
const PASSED_OUT = ['content-type', 'retry-after'] as const
const SERVER_ERROR = 500

const Name = Type.String({ maxLength: 64 })
const schema = {
  summary: 'Report facts as a PSP',
  description:
    'Without a token: the signature over the bytes of the body counts. 202 means that it is ' +
    'stored; repeat it after 429 and 503.',
  tags: ['callbacks'],
  params: Type.Object({ psp: Name, psp_account: Name }),
  response: { 202: Type.Object({ status: Type.Literal('accepted') }) },
  problems: [
    'PSP_NOT_FOUND',
    'INVALID_SIGNATURE',
    'BODY_TOO_LARGE',
    'RATE_LIMITED',
    'OVERLOADED',
  ] as const,
}

/** Adds `POST /callbacks/{psp}/{psp_account}`, which passes on the bytes that the PSP signed. */
export function passCallbacks(app: HttpServer, deps: CallbackDeps): void {
  const peer = deps.peers.get(CALLBACK_PEER)
  assert(peer !== undefined, `no peer ${CALLBACK_PEER} for callbacks`)
  withRawBodies(app, (scope) => {
    scope.route({
      method: 'POST',
      url: '/callbacks/:psp/:psp_account',
      schema,
      validatorCompiler: () => () => true,
      bodyLimit: deps.bodyLimitBytes,
      onRequest: (request, reply, done) => {
        const waitSeconds = deps.callbackBuckets.take(request.ip)
        if (waitSeconds === 0) {
          done()
          return
        }
        const headers = { 'retry-after': String(Math.ceil(waitSeconds)) }
        sendProblem(reply, 'RATE_LIMITED', 'too many callbacks from this address', { headers })
      },
      async handler(request, reply) {
        const { psp, psp_account: account } = request.params as Record<string, string>
        if (!NAME.test(psp ?? '') || !NAME.test(account ?? '')) throw new Problem('PSP_NOT_FOUND')
        await passOne(deps, peer, `/callbacks/${psp}/${account}`, request, reply)
      },
    })
  })
}

async function passOne(
  { logger, watch }: CallbackDeps,
  peer: Peer,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const headers = headersOf(request)
  const answer = await peer
    .send({ method: 'POST', path, headers, body }, TURN)
    .catch((error: unknown) => {
      if (error instanceof PeerFault) return error
      throw error
    })
  const failure = failureOf(answer)
  if (failure === undefined) watch.answered(peer.name)
  else {
    const about = { trace_id: traceIdOf(request.traceparent), ...failure }
    watch.failed(peer.name, about)
    logger.debug({ peer: peer.name, ...about }, 'could not pass on a callback')
  }
  if (answer instanceof PeerFault) {
    sendProblem(reply, answer.code === 'OVERLOADED' ? 'OVERLOADED' : 'UNAVAILABLE')
    return
  }
  reply.code(answer.status)
  for (const name of PASSED_OUT) {
    const value = answer.headers[name]
    if (value !== undefined) reply.header(name, value)
  }
  reply.send(answer.body)
}

/** What a PSP signs may be in any header, so all but those of the connection are passed on. */
function headersOf(request: FastifyRequest): Record<string, string> {
  const passed: Record<string, string> = { traceparent: childTraceparent(request.traceparent) }
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && !LEFT_BEHIND.test(name)) passed[name] = value
  }
  return passed
}

function failureOf(answer: PeerAnswer | PeerFault): { code: string; err?: Error } | undefined {
  if (answer instanceof PeerFault) return { code: answer.code, err: answer }
  return answer.status < SERVER_ERROR ? undefined : { code: `ANSWERED_${answer.status}` }
}
