import { isUuid } from '@caudal/contracts/ids.ts'
import { PaymentView } from '@caudal/contracts/payment-views.ts'
import { CANCELED } from '@caudal/contracts/reasons.ts'
import { RefundView } from '@caudal/contracts/refund-views.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { Payment } from '../../domain/payment.ts'
import type { Refund } from '../../domain/refund.ts'
import { readerOf, serviceTenantOf } from '../caller.ts'
import { refundLocation, viewRefund } from '../refunds/render-refund.ts'
import { viewPayment } from '../render-answer.ts'
import type { CancelAtProcessor } from './cancel-at-processor.ts'

type Owner = { tenantId: string; userId?: string }

/** What the routes need done. */
export interface CancelRoutesDeps {
  verifier: TokenVerifier
  cancel: CancelAtProcessor
  findPayment(owner: Owner, paymentId: string): Promise<Payment | undefined>
  findRefund(owner: Owner, refundId: string): Promise<Refund | undefined>
}

const answerHeaders = {
  location: Type.String({ description: 'Address of what is being canceled.' }),
}

const cancelPaymentSchema = {
  summary: 'Cancel a payment that was not sent to the PSP yet',
  description: 'It becomes FAILED with the reason `canceled` once the funds are released.',
  params: Type.Object({ payment_id: Type.String() }),
  answerHeaders,
  problems: ['PAYMENT_NOT_FOUND', 'PAYMENT_ALREADY_SENT'] as const,
  response: { 202: PaymentView },
}

const cancelRefundSchema = {
  summary: 'Cancel a refund that was not sent to the PSP yet',
  params: Type.Object({ refund_id: Type.String() }),
  answerHeaders,
  problems: ['REFUND_NOT_FOUND', 'REFUND_ALREADY_SENT'] as const,
  response: { 202: RefundView },
}

/** Cancel of payments, by their user or a client of the tenant, and of refunds, by a client. */
export function addCancelRoutes(app: HttpServer, deps: CancelRoutesDeps): void {
  const { verifier, cancel } = deps
  // The gateway has checked the user's scopes; its token names the user.
  const ofPayments = { verifier, scope: SCOPE.paymentsWrite, unscoped: 'user' } as const
  const ofRefunds = { verifier, scope: SCOPE.refundsWrite } as const

  app.post(
    '/v1/payments/:payment_id/cancel',
    secured(ofPayments, cancelPaymentSchema),
    async (request, reply) => {
      const owner = readerOf(request, SCOPE.paymentsWrite)
      const id = request.params.payment_id.toLowerCase()
      const payment = isUuid(id) ? await deps.findPayment(owner, id) : undefined
      if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
      const { tenantId } = payment
      const { traceparent } = request
      const isCanceled =
        payment.reason === CANCELED ||
        (mayBeUnsent(payment) && (await cancel({ kind: 'pay', id, tenantId, traceparent })))
      if (!isCanceled) throw new Problem('PAYMENT_ALREADY_SENT')
      const location = `/api/v1/payments/${id}`
      return reply.code(202).header('location', location).send(viewPayment(payment))
    },
  )

  app.post(
    '/v1/refunds/:refund_id/cancel',
    secured(ofRefunds, cancelRefundSchema),
    async (request, reply) => {
      const tenantId = serviceTenantOf(request)
      const id = request.params.refund_id.toLowerCase()
      const refund = isUuid(id) ? await deps.findRefund({ tenantId }, id) : undefined
      if (!refund) throw new Problem('REFUND_NOT_FOUND')
      const { traceparent } = request
      const isCanceled =
        refund.status === 'CANCELED' ||
        (refund.status === 'PENDING' &&
          (await cancel({ kind: 'refund', id, tenantId, traceparent })))
      if (!isCanceled) throw new Problem('REFUND_ALREADY_SENT')
      return reply.code(202).header('location', refundLocation(id)).send(viewRefund(refund))
    },
  )
}

/** Whether the processor must be asked: nothing is known here of a request that left. */
function mayBeUnsent({ status, reason }: Payment): boolean {
  return (status === 'PENDING' || status === 'RESERVED') && reason === null
}
