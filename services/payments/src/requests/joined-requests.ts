import { problemOf } from '@caudal/http/answer-error.ts'
import { bearerToken } from '@caudal/http/authenticate.ts'
import { closeObjects, compileValidator } from '@caudal/http/compile-validator.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { limitsOf } from '@caudal/http/limit-bodies.ts'
import { lineWriter } from '@caudal/http/line-writer.ts'
import { parseStrictJson } from '@caudal/http/parse-strict-json.ts'
import { Problem, renderProblem } from '@caudal/http/problem.ts'
import { takeOverReply } from '@caudal/http/take-over-reply.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  traceIdOf,
} from '@caudal/telemetry/trace-context.ts'
import { type Static, Type } from 'typebox'
import {
  type RenderedAnswer,
  renderedAnswerOf,
  type PaymentRequestOutcome,
} from './answer-request.ts'
import { paymentRequestOf, type TracedRequest } from './payment-request.ts'
import { requestPaymentSchema } from './schemas.ts'

const PATH = '/internal/payment-requests'
const BODY_LIMIT_BYTES = 1024 * 1024
const MAX_REQUESTS = 64
/** Of the body of one request, as at its own route. */
const MAX_VALUES = limitsOf(requestPaymentSchema, { bytes: BODY_LIMIT_BYTES, values: 64 }).values

/** One payment request: its token, idempotency key, trace and the bytes of its body. */
const JoinedRequest = Type.Object({
  authorization: Type.String(),
  traceparent: Type.String(),
  'x-payment-id': Type.String(),
  'idempotency-key': Type.Optional(Type.String()),
  body: Type.String(),
})
type JoinedRequest = Static<typeof JoinedRequest>

const joinedSchema = {
  hide: true,
  body: Type.Object({ requests: Type.Array(JoinedRequest, { maxItems: MAX_REQUESTS }) }),
}

type Read = { value: { external_order_id: string }; error?: Problem }

const readRequest = compileValidator({
  schema: closeObjects(requestPaymentSchema.body) as Record<string, unknown>,
  method: 'POST',
  url: PATH,
  httpPart: 'body',
}) as (body: unknown) => Read

interface JoinedDeps {
  verifier: TokenVerifier
  logger: Logger
  requestPayment(request: TracedRequest): Promise<PaymentRequestOutcome>
}

/**
 * Adds the route for payment requests that the gateway sends together, since one HTTP exchange per
 * request costs more than the rest of the work. Each request is handled as `POST /v1/payments` with
 * its own token, and answered on a line `{index, status, headers, body}` as soon as its answer is
 * ready, so that no request waits for another.
 */
export function addJoinedRoute(app: HttpServer, deps: JoinedDeps): void {
  app.post(PATH, { schema: joinedSchema, bodyLimit: BODY_LIMIT_BYTES }, (request, reply) => {
    const { requests } = request.body
    const write = lineWriter(takeOverReply(reply), requests.length)
    for (const [index, one] of requests.entries()) {
      void answer(deps, one).then((answered) => write({ index, ...answered }))
    }
  })
}

/** Never rejects: every error becomes an answer. */
async function answer(deps: JoinedDeps, request: JoinedRequest): Promise<RenderedAnswer> {
  const parent = parseTraceparent(request.traceparent)
  const traceparent = parent === null ? newTraceparent() : childTraceparent(parent)
  try {
    const token = bearerToken(request.authorization)
    if (token === undefined) throw new Problem('UNAUTHENTICATED')
    const identity = deps.verifier.cached(token) ?? (await deps.verifier.verify(token))
    const { value, error } = readRequest(
      parseStrictJson(Buffer.from(request.body), { maxValues: MAX_VALUES }),
    )
    if (error !== undefined) throw error
    const { 'idempotency-key': key, 'x-payment-id': paymentId } = request
    const headers = {
      'x-payment-id': paymentId,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    }
    const wanted = paymentRequestOf({ identity, headers, traceparent }, value.external_order_id)
    return renderedAnswerOf(await deps.requestPayment(wanted))
  } catch (error) {
    const traceId = traceIdOf(traceparent)
    const about = { trace_id: traceId, method: 'POST', route: PATH }
    return renderProblem(
      problemOf(deps.logger, error, () => about),
      traceId,
    )
  }
}
