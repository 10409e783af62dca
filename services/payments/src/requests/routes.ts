import { isUuid } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { cursorReader, cutPage } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { FastifyReply } from 'fastify'
import type { Payment } from '../domain/payment.ts'
import { type Answered, answeredOf, type PaymentRequestOutcome } from './answer-request.ts'
import { type Owner, ownerOf, readerOf, serviceTenantOf } from './caller.ts'
import { addJoinedRoute } from './joined-requests.ts'
import { paymentRequestOf, type TracedRequest } from './payment-request.ts'
import { stepsOf, viewPayment } from './render-answer.ts'
import {
  getPaymentSchema,
  getStepsSchema,
  listPaymentsSchema,
  PageCursor,
  requestPaymentSchema,
} from './schemas.ts'

/** What the routes need done; the spine brings it. */
export interface PaymentRoutesDeps {
  verifier: TokenVerifier
  logger: Logger
  requestPayment(request: TracedRequest): Promise<PaymentRequestOutcome>
  findPayment(
    owner: { tenantId: string; userId?: string },
    paymentId: string,
  ): Promise<Payment | undefined>
  listPayments(
    owner: Owner,
    page: { limit: number; after: { createdAt: Date; paymentId: string } | undefined },
  ): Promise<Payment[]>
}

const readCursor = cursorReader(PageCursor)

/** Request, read and list payments (P2, P3, P11). */
export function addPaymentRoutes(app: HttpServer, deps: PaymentRoutesDeps): void {
  const { verifier } = deps
  // The gateway has checked the user's scopes; its token names the user.
  const read = { verifier, scope: SCOPE.paymentsRead, unscoped: 'user' } as const
  const write = { verifier, scope: SCOPE.paymentsWrite, unscoped: 'user' } as const

  app.post('/v1/payments', secured(write, requestPaymentSchema), async (request, reply) => {
    const wanted = paymentRequestOf(request, request.body.external_order_id)
    return send(reply, answeredOf(await deps.requestPayment(wanted)))
  })
  addJoinedRoute(app, deps)

  app.get('/v1/payments/:payment_id', secured(read, getPaymentSchema), async (request, reply) => {
    const payment = await find(deps, readerOf(request), request.params.payment_id)
    if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
    return reply.send(viewPayment(payment))
  })

  app.get('/v1/payments', secured(read, listPaymentsSchema), async (request, reply) => {
    const { limit, cursor } = request.query
    const owner = ownerOf(request, SCOPE.paymentsRead)
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
    secured({ verifier, scope: SCOPE.traceRead }, getStepsSchema),
    async (request, reply) => {
      const tenantId = serviceTenantOf(request)
      const payment = await find(deps, { tenantId }, request.params.payment_id)
      return reply.send({ steps: payment ? stepsOf(payment) : [] })
    },
  )
}

/** As bytes: to a text fastify would add a charset, which problem documents do not have. */
function send(reply: FastifyReply, { status, headers, body }: Answered): FastifyReply {
  return reply.code(status).headers(headers).send(Buffer.from(body))
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
