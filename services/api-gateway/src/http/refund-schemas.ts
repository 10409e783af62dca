import { PaymentView } from '@caudal/contracts/payment-views.ts'
import { refundRequest, RefundView, ReturnView } from '@caudal/contracts/refund-views.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { pageOf, pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'
import { limited } from './public-schemas.ts'

const ofPayment = Type.Object({ payment_id: Uuid })
const ofRefund = Type.Object({ refund_id: Uuid })

export const createRefundSchema = {
  summary: 'Refund a payment, all that remains or a part of it',
  description:
    'For clients, within their tenant. The wallet is credited once the PSP has refunded.',
  tags: ['refunds'],
  params: ofPayment,
  headers: Type.Object({ 'idempotency-key': refundRequest.idempotencyKey }),
  body: refundRequest.body,
  response: { 202: RefundView },
  answerHeaders: refundRequest.answerHeaders,
  problems: [...refundRequest.problems, ...limited] as const,
}

export const getRefundSchema = {
  summary: 'Read a refund',
  description: 'A user reads refunds of own payments, a client those of its tenant.',
  tags: ['refunds'],
  params: ofRefund,
  response: { 200: RefundView },
  problems: ['REFUND_NOT_FOUND', ...limited] as const,
}

export const listRefundsSchema = {
  summary: 'List the refunds of a payment, newest first',
  tags: ['refunds'],
  params: ofPayment,
  querystring: pageQuery,
  response: { 200: pageOf(RefundView) },
  problems: ['PAYMENT_NOT_FOUND', ...limited] as const,
}

export const cancelRefundSchema = {
  summary: 'Cancel a refund that was not sent to the PSP yet',
  tags: ['refunds'],
  params: ofRefund,
  response: { 202: RefundView },
  problems: ['REFUND_NOT_FOUND', 'REFUND_ALREADY_SENT', ...limited] as const,
}

export const cancelPaymentSchema = {
  summary: 'Cancel a payment that was not sent to the PSP yet',
  description: 'It becomes FAILED with the reason `canceled` once the funds are released.',
  tags: ['payments'],
  params: ofPayment,
  response: { 202: PaymentView },
  problems: ['PAYMENT_NOT_FOUND', 'PAYMENT_ALREADY_SENT', ...limited] as const,
}

export const listReturnsSchema = {
  summary: 'List the money of a payment that the bank returned, newest first',
  tags: ['payments'],
  params: ofPayment,
  querystring: pageQuery,
  response: { 200: pageOf(ReturnView) },
  problems: ['PAYMENT_NOT_FOUND', ...limited] as const,
}
