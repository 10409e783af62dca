import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { takeOverReply } from '@caudal/http/take-over-reply.ts'
import { deliver } from '@caudal/simulator-kit/http/deliver.ts'
import type { PendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import { planStatus } from '@caudal/simulator-kit/plan-status.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import { Type } from 'typebox'
import { acceptPayment, type AcceptPaymentDeps } from '../accept-payment.ts'
import { PspPaymentRequest, ReadPspPaymentRequest } from '../domain/payment-request.ts'
import { paymentResponses, paymentStatuses } from '../domain/payment-responses.ts'
import { findPayments } from '../store/find-payments.ts'

const Approved = Type.Object({
  status: Type.Literal('approved'),
  message: Type.String(),
  gateway_transaction_id: Uuid,
  payment_id: Uuid,
})
const Failed = Type.Object({
  status: Type.Literal('failed'),
  error_code: Type.String(),
  message: Type.String(),
  payment_id: Uuid,
})
const Status = Type.Object({
  payment_id: Uuid,
  status: Type.Enum(['approved', 'failed', 'not_found']),
  message: Type.Optional(Type.String()),
  error_code: Type.Optional(Type.String()),
  gateway_transaction_id: Type.Optional(Uuid),
  amount: Type.Optional(Type.String()),
  currency: Type.Optional(Type.String()),
})

const requestSchema = {
  body: PspPaymentRequest,
  readBody: ReadPspPaymentRequest,
  readHeaders: {
    'idempotency-key': Type.String({ format: 'uuid', description: 'The payment_id of the body.' }),
  },
  response: { 200: Approved, 400: Failed, 500: Failed },
  problems: [
    'IDEMPOTENCY_KEY_REQUIRED',
    'INVALID_IDEMPOTENCY_KEY',
    'IDEMPOTENCY_MISMATCH',
    'RATE_LIMITED',
  ],
} as const

interface PaymentRouteDeps extends AcceptPaymentDeps {
  pending: PendingResponses
}

/** Adds the bank's public routes: make a payment and query its status (P5, P8). */
export function addPaymentRoutes(app: HttpServer, deps: PaymentRouteDeps): void {
  const { db, behaviours, pending } = deps
  app.post('/v1/payments', { schema: requestSchema }, async (request, reply) => {
    const key = request.headers['idempotency-key']
    const traceId = traceIdOf(request.traceparent)
    const accepted = await acceptPayment(deps, request.body, { key, traceId })
    await deliver(pending, takeOverReply(reply), paymentResponses, accepted)
  })
  app.get(
    '/v1/payments/:payment_id',
    { schema: { params: Type.Object({ payment_id: Uuid }), response: { 200: Status } } },
    async (request, reply) => {
      const paymentId = request.params.payment_id.toLowerCase()
      const payment = (await findPayments(db, [paymentId])).get(paymentId) ?? null
      const subject = { operationId: paymentId, paymentId, isKnown: payment !== null }
      const status = {
        ...(await planStatus({ db, chooser: behaviours.chooser }, subject)),
        paymentId,
        payment,
        traceId: traceIdOf(request.traceparent),
      }
      await deliver(pending, takeOverReply(reply), paymentStatuses, status)
    },
  )
}
