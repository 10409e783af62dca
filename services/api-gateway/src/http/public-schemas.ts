import {
  AcceptedPaymentView,
  paymentRequest,
  PaymentView,
} from '@caudal/contracts/payment-views.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { EntryView, WalletView } from '@caudal/contracts/wallet-views.ts'
import { pageOf, pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'

export const limited = ['RATE_LIMITED', 'OVERLOADED'] as const

export const createPaymentSchema = {
  summary: 'Pay an order from the wallet of the caller',
  tags: ['payments'],
  headers: Type.Object({ 'idempotency-key': paymentRequest.idempotencyKey }),
  body: paymentRequest.body,
  response: { 202: AcceptedPaymentView },
  answerHeaders: paymentRequest.answerHeaders,
  problems: [...paymentRequest.problems, ...limited] as const,
}

export const getOwnPaymentSchema = {
  summary: 'Read a payment of the caller',
  description: 'A user reads own payments, a client those of its tenant.',
  tags: ['payments'],
  params: Type.Object({ payment_id: Uuid }),
  response: { 200: PaymentView },
  problems: ['PAYMENT_NOT_FOUND', ...limited] as const,
}

export const listOwnPaymentsSchema = {
  summary: 'List the payments of the caller, newest first',
  tags: ['payments'],
  querystring: pageQuery,
  response: { 200: pageOf(PaymentView) },
  problems: limited,
}

export const getWalletSchema = {
  summary: 'Read the wallet of the caller',
  tags: ['wallet'],
  response: { 200: WalletView },
  problems: limited,
}

export const listEntriesSchema = {
  summary: 'List the entries of the caller’s accounts, newest first',
  tags: ['wallet'],
  querystring: Type.Object({ ...pageQuery.properties, account_id: Type.Optional(Uuid) }),
  response: { 200: pageOf(EntryView) },
  problems: ['ACCOUNT_NOT_FOUND', ...limited] as const,
}
