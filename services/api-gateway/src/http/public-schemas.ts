import { pageOf, pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'

const Id = Type.String({ format: 'uuid' })
const Time = Type.String({ format: 'date-time' })
const Amount = Type.String({
  description: 'A decimal with the exponent of the currency, such as 100.50.',
})
const Currency = Type.String({ minLength: 3, maxLength: 3 })
const limited = ['RATE_LIMITED', 'OVERLOADED'] as const

const Accepted = Type.Object({
  payment_id: Id,
  status: Type.Literal('PENDING'),
  external_order_id: Id,
  amount: Amount,
  currency: Currency,
  created_at: Time,
})

const Payment = Type.Object({
  payment_id: Id,
  status: Type.String({
    enum: ['PENDING', 'RESERVED', 'IN_DOUBT', 'COMPLETED', 'FAILED'],
  }),
  external_order_id: Id,
  amount: Amount,
  currency: Currency,
  service_name: Type.String(),
  reason: Type.Union([Type.String(), Type.Null()]),
  created_at: Time,
  updated_at: Time,
})

const Wallet = Type.Object({
  wallet_id: Id,
  accounts: Type.Array(
    Type.Object({ account_id: Id, currency: Currency, available: Amount, held: Amount }),
  ),
})

const Entry = Type.Object({
  entry_id: Id,
  transfer_id: Id,
  kind: Type.String({ enum: ['credit', 'debit', 'hold', 'commit', 'rollback', 'refund'] }),
  balance: Type.String({ enum: ['available', 'held'] }),
  amount: Amount,
  balance_after: Amount,
  payment_id: Type.Union([Id, Type.Null()]),
  created_at: Time,
})

export const createPaymentSchema = {
  summary: 'Pay an order from the wallet of the caller',
  tags: ['payments'],
  headers: Type.Object({
    'idempotency-key': Type.String({
      format: 'uuid',
      description: 'Identifies the request; a repeat gets the same answer.',
    }),
  }),
  body: Type.Object({ external_order_id: Id }),
  response: { 202: Accepted },
  answerHeaders: {
    location: Type.String({ description: 'The path of the accepted payment.' }),
    'idempotency-replayed': Type.String({ description: '`true` if the answer is a replay.' }),
  },
  problems: [
    'IDEMPOTENCY_KEY_REQUIRED',
    'INVALID_IDEMPOTENCY_KEY',
    'IDEMPOTENCY_MISMATCH',
    'ORDER_NOT_FOUND',
    'ORDER_ALREADY_PAID',
    'ORDER_PAYMENT_IN_PROGRESS',
    ...limited,
  ] as const,
}

export const getPaymentSchema = {
  summary: 'Read a payment of the caller',
  tags: ['payments'],
  params: Type.Object({ payment_id: Id }),
  response: { 200: Payment },
  problems: ['PAYMENT_NOT_FOUND', ...limited] as const,
}

export const listPaymentsSchema = {
  summary: 'List the payments of the caller, newest first',
  tags: ['payments'],
  querystring: pageQuery,
  response: { 200: pageOf(Payment) },
  problems: limited,
}

export const getWalletSchema = {
  summary: 'Read the wallet of the caller',
  tags: ['wallet'],
  response: { 200: Wallet },
  problems: limited,
}

export const listEntriesSchema = {
  summary: 'List the entries of the caller’s accounts, newest first',
  tags: ['wallet'],
  querystring: Type.Object({ ...pageQuery.properties, account_id: Type.Optional(Id) }),
  response: { 200: pageOf(Entry) },
  problems: ['ACCOUNT_NOT_FOUND', ...limited] as const,
}
