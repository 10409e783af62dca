import { Type } from 'typebox'
import { SHOWN_STATUSES } from './payment-statuses.ts'
import { FAILURE_REASONS } from './reasons.ts'
import { Uuid } from './uuid-schema.ts'

/** A time in HTTP answers: RFC 3339 with milliseconds, UTC. */
export const Time = Type.String({ format: 'date-time' })

/** Money in HTTP answers. */
export const Amount = Type.String({
  description: "Decimal with the currency's exponent, such as 100.50",
})

/** The currency of an amount in HTTP answers. */
export const CurrencyCode = Type.String({ description: 'ISO 4217', minLength: 3, maxLength: 3 })

const whatIsPaid = {
  external_order_id: Uuid,
  amount: Amount,
  currency: CurrencyCode,
}

/** The answer to an accepted payment, of payments and of the gateway. */
export const AcceptedPaymentView = Type.Object({
  payment_id: Uuid,
  status: Type.Literal('PENDING'),
  ...whatIsPaid,
  created_at: Time,
})

/** A payment in HTTP answers, of payments and of the gateway. */
export const PaymentView = Type.Object({
  payment_id: Uuid,
  status: Type.Enum([...SHOWN_STATUSES]),
  ...whatIsPaid,
  service_name: Type.String(),
  reason: Type.Union([Type.Null(), Type.Enum([...FAILURE_REASONS])]),
  created_at: Time,
  updated_at: Time,
})

/** How a payment is asked for over HTTP, by payments and by the gateway. */
export const paymentRequest = {
  idempotencyKey: Type.String({
    format: 'uuid',
    description: 'Chosen by the client; identifies this payment request.',
  }),
  body: Type.Object({ external_order_id: Uuid }),
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
    'DESTINATION_BLOCKED',
  ],
} as const
