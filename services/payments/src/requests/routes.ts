import { isUuid } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Dispute } from '../domain/dispute.ts'
import type { Payment } from '../domain/payment.ts'
import type { Refund } from '../domain/refund.ts'
import type { ReturnedMoney } from '../domain/returned-money.ts'
import type { PagePosition } from '../store/list-payments.ts'
import { renderedAnswerOf, sendRendered, type PaymentRequestOutcome } from './answer-request.ts'
import { ON_BEHALF_OF, type Owner, ownerOf, readerOf, serviceTenantOf } from './caller.ts'
import { disputeSteps } from './cases/dispute-steps.ts'
import { returnSteps } from './cases/return-steps.ts'
import { addJoinedRoute } from './joined-requests.ts'
import { afterOf, positionOf } from './page-position.ts'
import { paymentRequestOf, type TracedRequest } from './payment-request.ts'
import { refundSteps } from './refunds/refund-steps.ts'
import { inOrder, stepsOf, viewPayment } from './render-answer.ts'
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
  cursors: Cursors
  logger: Logger
  requestPayment(request: TracedRequest): Promise<PaymentRequestOutcome>
  findPayment(
    owner: { tenantId: string; userId?: string },
    paymentId: string,
  ): Promise<Payment | undefined>
  /** The refunds of the payment that are shown as steps of it. */
  listRefunds(payment: Payment): Promise<Refund[]>
  /** The returns of the payment that are shown as steps of it. */
  listReturns(payment: Payment): Promise<ReturnedMoney[]>
  /** The disputes of the payment that are shown as steps of it. */
  listDisputes(payment: Payment): Promise<Dispute[]>
  listPayments(
    owner: Owner,
    page: { limit: number; after: PagePosition | undefined },
  ): Promise<Payment[]>
}

/** Request, read and list payments (P2, P3, P11). */
export function addPaymentRoutes(app: HttpServer, deps: PaymentRoutesDeps): void {
  const { verifier } = deps
  // The gateway has checked the user's scopes; its token names the user.
  const read = { verifier, scope: SCOPE.paymentsRead, unscoped: 'user' } as const
  const write = { verifier, scope: SCOPE.paymentsWrite, unscoped: 'user' } as const

  app.post('/v1/payments', secured(write, requestPaymentSchema), async (request, reply) => {
    const wanted = paymentRequestOf(request, request.body.external_order_id)
    return sendRendered(reply, renderedAnswerOf(await deps.requestPayment(wanted)))
  })
  addJoinedRoute(app, deps)

  app.get('/v1/payments/:payment_id', secured(read, getPaymentSchema), async (request, reply) => {
    const payment = await find(deps, readerOf(request), request.params.payment_id)
    if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
    return reply.send(viewPayment(payment))
  })

  const cursors = deps.cursors(PageCursor, { headers: [ON_BEHALF_OF] })
  app.get('/v1/payments', secured(read, listPaymentsSchema), async (request, reply) => {
    const { limit } = request.query
    const owner = ownerOf(request, SCOPE.paymentsRead)
    const position = cursors.read(request)
    const after = position === null ? undefined : afterOf(position)
    const payments = await deps.listPayments(owner, { limit: limit + 1, after })
    const cursorAfter = (payment: Payment) => cursors.write(request, positionOf(payment))
    return reply.send(cutPage(payments, { limit, cursorAfter, show: viewPayment }))
  })

  app.get(
    '/internal/payments/:payment_id/steps',
    secured({ verifier, scope: SCOPE.traceRead }, getStepsSchema),
    async (request, reply) => {
      const tenantId = serviceTenantOf(request)
      const payment = await find(deps, { tenantId }, request.params.payment_id)
      if (!payment) return reply.send({ steps: [] })
      const [refunds, returns, disputes] = await Promise.all([
        deps.listRefunds(payment),
        deps.listReturns(payment),
        deps.listDisputes(payment),
      ])
      const back = [...refundSteps(refunds), ...returnSteps(returns), ...disputeSteps(disputes)]
      const steps = [...stepsOf(payment), ...back]
      return reply.send({ steps: inOrder(steps) })
    },
  )
}

function find(
  deps: PaymentRoutesDeps,
  owner: { tenantId: string; userId?: string },
  paymentId: string,
): Promise<Payment | undefined> {
  if (!isUuid(paymentId)) return Promise.resolve(undefined)
  return deps.findPayment(owner, paymentId.toLowerCase())
}
