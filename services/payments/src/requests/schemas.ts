import {
  AcceptedPaymentView,
  paymentRequest,
  PaymentView,
  Time,
} from '@caudal/contracts/payment-views.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { pageOf, pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'

/** Read by the handlers, since only a user's token of the gateway needs none. */
const onBehalfOf = {
  'x-on-behalf-of': Type.String({
    format: 'uuid',
    description:
      'The user that an internal client acts for; with the token of a user it is not read.',
  }),
}
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
    'idempotency-key': paymentRequest.idempotencyKey,
    ...onBehalfOf,
  },
  answerHeaders: paymentRequest.answerHeaders,
  problems: [...paymentRequest.problems, 'RATE_LIMITED'] as const,
  body: paymentRequest.body,
  response: { 202: AcceptedPaymentView },
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
export const PageCursor = Type.Object({ created_at: Time, payment_id: Uuid })
