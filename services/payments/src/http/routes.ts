import { hash } from 'node:crypto'
import { isUuid, newId } from '@caudal/contracts/ids.ts'
import { identityOf, requireToken } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { cursorReader, cutPage } from '@caudal/http/page.ts'
import { Problem, PROBLEM_CONTENT_TYPE, sendProblem } from '@caudal/http/problem.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PaymentRequest, RejectionCode, StoredAnswer } from '../domain/decide-requests.ts'
import type { Payment } from '../domain/payment.ts'
import { type Owner, ownerOf, readerOf, serviceTenantOf } from './caller.ts'
import { stepsOf, viewPayment } from './render-answer.ts'
import {
  getPaymentSchema,
  getStepsSchema,
  listPaymentsSchema,
  PagePosition,
  requestPaymentSchema,
} from './schemas.ts'

/** What the routes need done; the spine brings it. */
export interface PaymentRoutesDeps {
  verifier: TokenVerifier
  requestPayment(
    request: PaymentRequest & { traceparent: string },
  ): Promise<
    | { kind: 'answered'; answer: StoredAnswer; replayed: boolean }
    | { kind: 'rejected'; code: RejectionCode }
  >
  findPayment(
    owner: { tenantId: string; userId?: string },
    paymentId: string,
  ): Promise<Payment | undefined>
  listPayments(
    owner: Owner,
    page: { limit: number; after: { createdAt: Date; paymentId: string } | undefined },
  ): Promise<Payment[]>
}

const JSON_CONTENT_TYPE = 'application/json; charset=utf-8'
const readCursor = cursorReader(PagePosition)

const REJECTION_DETAILS: Record<RejectionCode, string> = {
  IDEMPOTENCY_MISMATCH: 'the idempotency-key was used with another body',
  ORDER_NOT_FOUND: 'the user has no such order',
  UNAVAILABLE: 'the order cannot be looked up now; repeat with the same idempotency-key',
}

/** Request, read and list payments (P2, P3, P11). */
export function addPaymentRoutes(app: HttpServer, deps: PaymentRoutesDeps): void {
  const { verifier } = deps
  const onRequest = requireToken({ verifier })

  app.post('/v1/payments', { schema: requestPaymentSchema, onRequest }, async (request, reply) => {
    const outcome = await deps.requestPayment(
      paymentRequestOf(request, request.body.external_order_id.toLowerCase()),
    )
    if (outcome.kind === 'answered') return sendAnswer(reply, outcome.answer, outcome.replayed)
    return sendProblem(reply, outcome.code, REJECTION_DETAILS[outcome.code])
  })

  app.get(
    '/v1/payments/:payment_id',
    { schema: getPaymentSchema, onRequest },
    async (request, reply) => {
      const payment = await find(deps, readerOf(request), request.params.payment_id)
      if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
      return reply.send(viewPayment(payment))
    },
  )

  app.get('/v1/payments', { schema: listPaymentsSchema, onRequest }, async (request, reply) => {
    const { limit, cursor } = request.query
    const owner = ownerOf(request, 'payments:read')
    const position = cursor === undefined ? undefined : readCursor(cursor)
    const after = position && {
      createdAt: readTime(position.created_at),
      paymentId: position.payment_id,
    }
    const payments = await deps.listPayments(owner, { limit: limit + 1, after })
    return reply.send(cutPage(payments, { limit, positionOf, show: viewPayment }))
  })

  app.get(
    '/internal/payments/:payment_id/steps',
    { schema: getStepsSchema, onRequest: requireToken({ verifier, scope: 'trace:read' }) },
    async (request, reply) => {
      const tenantId = serviceTenantOf(request)
      const payment = await find(deps, { tenantId }, request.params.payment_id)
      return reply.send({ steps: payment ? stepsOf(payment) : [] })
    },
  )
}

/** The request with its ids, from headers and body. */
function paymentRequestOf(request: FastifyRequest, externalOrderId: string) {
  const { tenantId, userId } = ownerOf(request, 'payments:write')
  const { traceparent } = request
  return {
    tenantId,
    userId,
    idempotencyKey: idempotencyKeyOf(request),
    fingerprint: hash('sha256', `POST /v1/payments external_order_id=${externalOrderId}`, 'hex'),
    externalOrderId,
    paymentId: paymentIdOf(request),
    eventId: newId(),
    traceId: traceIdOf(traceparent),
    traceparent,
  }
}

function idempotencyKeyOf(request: FastifyRequest): string {
  const key = request.headers['idempotency-key']
  if (key === undefined || key === '') throw new Problem('IDEMPOTENCY_KEY_REQUIRED')
  if (typeof key === 'string' && isUuid(key)) return key.toLowerCase()
  throw new Problem('INVALID_IDEMPOTENCY_KEY', 'the idempotency-key must be one UUID (RFC 9562)')
}

/** Minted by the gateway, which alone vouches for users; by us for internal clients (P1). */
function paymentIdOf(request: FastifyRequest): string {
  const minted = request.headers['x-payment-id']
  const isGateway = identityOf(request).kind === 'user'
  return isGateway && typeof minted === 'string' && isUuid(minted) ? minted.toLowerCase() : newId()
}

/**
 * Sends the bytes that the key is bound to, the first time and every time after. As bytes: to a
 * text fastify would add a charset, which problem documents do not have.
 */
function sendAnswer(reply: FastifyReply, answer: StoredAnswer, replayed: boolean): FastifyReply {
  const { httpStatus, body, paymentId } = answer
  if (replayed) reply.header('idempotency-replayed', 'true')
  if (paymentId !== null) reply.header('location', `/api/v1/payments/${paymentId}`)
  return reply
    .code(httpStatus)
    .header('content-type', paymentId === null ? PROBLEM_CONTENT_TYPE : JSON_CONTENT_TYPE)
    .send(Buffer.from(body))
}

function find(
  deps: PaymentRoutesDeps,
  owner: { tenantId: string; userId?: string },
  paymentId: string,
): Promise<Payment | undefined> {
  if (!isUuid(paymentId)) return Promise.resolve(undefined)
  return deps.findPayment(owner, paymentId.toLowerCase())
}

function positionOf(payment: Payment): { created_at: string; payment_id: string } {
  return { created_at: payment.createdAt.toISOString(), payment_id: payment.paymentId }
}

/** Text of the right form may still be no time, such as the 32nd of a month. */
function readTime(text: string): Date {
  const time = new Date(text)
  if (!Number.isNaN(time.getTime())) return time
  throw new Problem('MALFORMED_REQUEST', 'query: cursor is not one we gave out', {
    members: { param: 'cursor' },
  })
}
