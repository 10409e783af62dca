import type { Batcher } from '@caudal/batching/create-batcher.ts'
import { isUuid } from '@caudal/contracts/ids.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import { Type } from 'typebox'
import type { BehaviourBook } from '../behaviour-book.ts'
import { verdictMembers } from '../domain/answers.ts'
import { PaymentId, PaymentRequest } from '../domain/payment-request.ts'
import type { IncomingPayment, ProcessedPayment } from '../process-batch.ts'
import { findPayments } from '../store/find-payments.ts'
import { deliver } from './deliver.ts'
import type { PendingAnswers } from './pending-answers.ts'

const Approved = Type.Object({
  status: Type.Literal('approved'),
  message: Type.String(),
  gateway_transaction_id: PaymentId,
  payment_id: PaymentId,
})
const Failed = Type.Object({
  status: Type.Literal('failed'),
  error_code: Type.String(),
  message: Type.String(),
  payment_id: PaymentId,
})
const Status = Type.Object({
  payment_id: PaymentId,
  status: Type.Enum(['approved', 'failed', 'not_found']),
  message: Type.Optional(Type.String()),
  error_code: Type.Optional(Type.String()),
  gateway_transaction_id: Type.Optional(PaymentId),
  amount: Type.Optional(Type.String()),
  currency: Type.Optional(Type.String()),
})

interface PaymentRouteDeps {
  db: Db
  batcher: Batcher<IncomingPayment, ProcessedPayment>
  behaviours: BehaviourBook
  pending: PendingAnswers
  logger: Logger
}

/** What the bank offers its customers: pay, and ask what became of a payment (P5, P8). */
export function addPaymentRoutes(app: HttpServer, deps: PaymentRouteDeps): void {
  const { db, batcher, behaviours, pending, logger } = deps
  app.post(
    '/v1/payments',
    { schema: { body: PaymentRequest, response: { 200: Approved, 400: Failed, 500: Failed } } },
    async (request, reply) => {
      const { body } = request
      const paymentId = body.payment_id.toLowerCase()
      await checkKey(db, request.headers['idempotency-key'], paymentId)
      const { chooser } = behaviours
      const processed = await batcher.submit({
        paymentId,
        request: body,
        amountMinor: readAmount(body),
        behaviour: chooser.choose(body.destination.account_number),
      })
      const { delivery } = processed
      const traceId = traceIdOf(request.traceparent)
      logger.debug(
        { payment_id: paymentId, trace_id: traceId, delivery },
        'a payment was asked for',
      )
      const delayMs = chooser.latencyMs + processed.delayMs
      return deliver(pending, reply, { ...processed, paymentId, delayMs })
    },
  )
  app.get(
    '/v1/payments/:payment_id',
    { schema: { params: Type.Object({ payment_id: PaymentId }), response: { 200: Status } } },
    async (request, reply) => {
      const paymentId = request.params.payment_id.toLowerCase()
      const payment = (await findPayments(db, [paymentId])).get(paymentId)
      await pending.wait(behaviours.chooser.latencyMs)
      if (payment === undefined) {
        return reply.send({ payment_id: paymentId, status: 'not_found' })
      }
      const amount = formatAmount(payment.amountMinor, payment.currency)
      return reply.send({ ...verdictMembers(payment), amount, currency: payment.currency })
    },
  )
}

/**
 * The key is the payment's id. A key of another payment is told apart from one that is merely
 * wrong: the first has been used for another request.
 */
async function checkKey(
  db: Db,
  header: string | string[] | undefined,
  paymentId: string,
): Promise<void> {
  if (header === undefined || header === '') throw new Problem('IDEMPOTENCY_KEY_REQUIRED')
  const key = String(header).toLowerCase()
  if (key === paymentId) return
  if (isUuid(key) && (await findPayments(db, [key])).has(key)) {
    throw new Problem('IDEMPOTENCY_MISMATCH')
  }
  throw new Problem('INVALID_IDEMPOTENCY_KEY', 'the key must be the payment_id of the body')
}

function readAmount({ amount, currency }: PaymentRequest): bigint {
  try {
    const amountMinor = parseAmount(amount, currency)
    if (amountMinor > 0n) return amountMinor
  } catch (error) {
    if (!(error instanceof AmountError)) throw error
  }
  throw new Problem('MALFORMED_REQUEST', 'body: amount is not an amount of its currency', {
    members: { param: 'amount' },
  })
}
