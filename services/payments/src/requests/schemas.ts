import { FAILURE_REASONS } from '@caudal/contracts/reasons.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { pageOf, pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'
import { STATUSES } from '../domain/payment.ts'

/** Read by the handlers, since a user's token needs none. */
const onBehalfOf = {
  'x-on-behalf-of': Type.Optional(
    Type.String({ format: 'uuid', description: 'The user that an internal client acts for.' }),
  ),
}
const Time = Type.String({ format: 'date-time' })
const Amount = Type.String({ description: "Decimal with the currency's exponent, such as 100.50" })
const Currency = Type.String({ description: 'ISO 4217' })

const AcceptedView = Type.Object({
  payment_id: Uuid,
  status: Type.Literal('PENDING'),
  external_order_id: Uuid,
  amount: Amount,
  currency: Currency,
  created_at: Time,
})

const PaymentView = Type.Object({
  payment_id: Uuid,
  status: Type.Enum([...STATUSES]),
  external_order_id: Uuid,
  amount: Amount,
  currency: Currency,
  service_name: Type.String(),
  reason: Type.Union([Type.Null(), Type.Enum([...FAILURE_REASONS])]),
  created_at: Time,
  updated_at: Time,
})

const StepsView = Type.Object({
  steps: Type.Array(Type.Object({ at: Time, step: Type.String(), detail: Type.String() })),
})

/** Any text: the handlers answer 404 for an id that is not a UUID. */
const PaymentParams = Type.Object({ payment_id: Type.String() })

export const requestPaymentSchema = {
  summary: 'Pay an order',
  description:
    'A repeat with the same key gets the same bytes and the header `idempotency-replayed: true`.',
  readHeaders: {
    'idempotency-key': Type.String({
      format: 'uuid',
      description: 'Chosen by the client; identifies this payment request.',
    }),
    ...onBehalfOf,
  },
  answerHeaders: {
    location: Type.String({ description: 'Address of the accepted payment.' }),
    'idempotency-replayed': Type.String({ description: '`true` if the answer is a replay.' }),
  },
  problems: [
    'IDEMPOTENCY_KEY_REQUIRED',
    'INVALID_IDEMPOTENCY_KEY',
    'IDEMPOTENCY_MISMATCH',
    'ORDER_NOT_FOUND',
    'ORDER_ALREADY_PAID',
    'ORDER_PAYMENT_IN_PROGRESS',
  ] as const,
  body: Type.Object({ external_order_id: Uuid }),
  response: { 202: AcceptedView },
}

export const getPaymentSchema = {
  summary: 'Read a payment',
  params: PaymentParams,
  problems: ['PAYMENT_NOT_FOUND'] as const,
  response: { 200: PaymentView },
}

export const listPaymentsSchema = {
  summary: "List a user's payments, newest first",
  querystring: pageQuery,
  readHeaders: onBehalfOf,
  response: { 200: pageOf(PaymentView) },
}

export const getStepsSchema = {
  summary: 'List the steps of a payment that this service recorded',
  params: PaymentParams,
  response: { 200: StepsView },
}

/** Where a page of payments ended: its last row's time and id. */
export const PagePosition = Type.Object({
  created_at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
  payment_id: Uuid,
})
