import { isUuid } from '@caudal/contracts/ids.ts'
import { Time } from '@caudal/contracts/payment-views.ts'
import { refundRequest, RefundView } from '@caudal/contracts/refund-views.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { Payment } from '../../domain/payment.ts'
import type { Refund } from '../../domain/refund.ts'
import type { RefundPosition } from '../../store/list-refunds.ts'
import { sendRendered } from '../answer-request.ts'
import { readerOf } from '../caller.ts'
import { type TracedRefundRequest, refundRequestOf } from './refund-request.ts'
import { type RefundRequestOutcome, renderedRefundAnswerOf, viewRefund } from './render-refund.ts'

type Owner = { tenantId: string; userId?: string }

/** What the routes need done. */
export interface RefundRoutesDeps {
  verifier: TokenVerifier
  cursors: Cursors
  requestRefund(request: TracedRefundRequest): Promise<RefundRequestOutcome>
  findPayment(owner: Owner, paymentId: string): Promise<Payment | undefined>
  findRefund(owner: Owner, refundId: string): Promise<Refund | undefined>
  listRefunds(
    paymentId: string,
    page: { limit: number; after: RefundPosition | undefined },
  ): Promise<Refund[]>
}

/** Any text: the handlers answer 404 for an id that is not a UUID. */
const PaymentParams = Type.Object({ payment_id: Type.String() })
const RefundParams = Type.Object({ refund_id: Type.String() })

const requestSchema = {
  summary: 'Refund a payment, all that remains or a part of it',
  description:
    'A repeat with the same key gets the same bytes and the header `idempotency-replayed: true`. ' +
    'REFUND_EXCEEDS_CAPTURED has the members `captured`, `refunded`, `pending`, `returned` and ' +
    '`refundable`: what is captured without the others.',
  params: PaymentParams,
  readHeaders: { 'idempotency-key': refundRequest.idempotencyKey },
  answerHeaders: refundRequest.answerHeaders,
  problems: refundRequest.problems,
  body: refundRequest.body,
  response: { 202: RefundView },
}

const getSchema = {
  summary: 'Read a refund',
  params: RefundParams,
  problems: ['REFUND_NOT_FOUND'] as const,
  response: { 200: RefundView },
}

const listSchema = {
  summary: 'List the refunds of a payment, newest first',
  params: PaymentParams,
  querystring: pageQuery,
  problems: ['PAYMENT_NOT_FOUND'] as const,
  response: { 200: pageOf(RefundView) },
}

const RefundCursor = Type.Object({ created_at: Time, refund_id: Uuid })

/** Refunds: asked for by clients, read by the payment's user and by clients of the tenant. */
export function addRefundRoutes(app: HttpServer, deps: RefundRoutesDeps): void {
  const { verifier } = deps
  const write = { verifier, scope: SCOPE.refundsWrite } as const
  // The gateway has checked the user's scopes; its token names the user.
  const read = { verifier, scope: SCOPE.paymentsRead, unscoped: 'user' } as const

  app.post(
    '/v1/payments/:payment_id/refunds',
    secured(write, requestSchema),
    async (request, reply) => {
      const paymentId = request.params.payment_id.toLowerCase()
      const wanted = refundRequestOf(request, paymentId, request.body)
      if (!isUuid(paymentId)) throw new Problem('PAYMENT_NOT_FOUND')
      return sendRendered(reply, renderedRefundAnswerOf(await deps.requestRefund(wanted)))
    },
  )

  app.get('/v1/refunds/:refund_id', secured(read, getSchema), async (request, reply) => {
    const refundId = request.params.refund_id.toLowerCase()
    const owner = readerOf(request, SCOPE.paymentsRead)
    const refund = isUuid(refundId) ? await deps.findRefund(owner, refundId) : undefined
    if (!refund) throw new Problem('REFUND_NOT_FOUND')
    return reply.send(viewRefund(refund))
  })

  const cursors = deps.cursors(RefundCursor)
  app.get('/v1/payments/:payment_id/refunds', secured(read, listSchema), async (request, reply) => {
    const paymentId = request.params.payment_id.toLowerCase()
    const owner = readerOf(request, SCOPE.paymentsRead)
    const payment = isUuid(paymentId) ? await deps.findPayment(owner, paymentId) : undefined
    if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
    const { limit } = request.query
    const position = cursors.read(request)
    const after = position
      ? { createdAt: new Date(position.created_at), refundId: position.refund_id }
      : undefined
    const refunds = await deps.listRefunds(paymentId, { limit: limit + 1, after })
    const cursorAfter = (refund: Refund) =>
      cursors.write(request, {
        created_at: refund.createdAt.toISOString(),
        refund_id: refund.refundId,
      })
    return reply.send(cutPage(refunds, { limit, cursorAfter, show: viewRefund }))
  })
}
