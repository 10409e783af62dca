import { Type } from 'typebox'
import { Amount, CurrencyCode, Time } from './payment-views.ts'
import { REFUND_CAUSES, REFUND_REASONS } from './reasons.ts'
import { RETURN_CODES } from './return-reasons.ts'
import { Uuid } from './uuid-schema.ts'

/** The states of a refund. */
export const REFUND_STATUSES = [
  'PENDING',
  'SUBMITTED',
  'IN_DOUBT',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
  'REVERSED',
] as const

/** The states of a return. */
export const RETURN_STATUSES = ['RECEIVED', 'MATCHED', 'CREDITED', 'SUSPENDED'] as const

/** What a client keeps with a refund; it is never interpreted. */
const Metadata = Type.Record(Type.String(), Type.String({ maxLength: 500 }), {
  maxProperties: 20,
  description: 'Up to 20 members of up to 500 characters each.',
})

/** A refund in HTTP answers, of payments and of the gateway. */
export const RefundView = Type.Object({
  refund_id: Uuid,
  payment_id: Uuid,
  status: Type.Enum([...REFUND_STATUSES]),
  amount: Amount,
  currency: CurrencyCode,
  reason: Type.Enum([...REFUND_CAUSES]),
  metadata: Metadata,
  failure_reason: Type.Union([Type.Null(), Type.Enum([...REFUND_REASONS])]),
  version: Type.Integer({ minimum: 1, description: 'Counts the changes, without gaps.' }),
  created_at: Time,
  updated_at: Time,
})

/** A return in HTTP answers, of payments and of the gateway. */
export const ReturnView = Type.Object({
  return_id: Uuid,
  payment_id: Uuid,
  status: Type.Enum([...RETURN_STATUSES]),
  amount: Amount,
  currency: CurrencyCode,
  charges: Type.Optional(
    Type.String({
      description: 'What of the amount the bank kept and the operator covers, if anything.',
    }),
  ),
  reason: Type.String({ description: 'As the bank spells it, such as AC04.' }),
  reason_code: Type.Enum([...RETURN_CODES]),
  version: Type.Integer({ minimum: 1, description: 'Counts the states, without gaps.' }),
  created_at: Time,
  updated_at: Time,
})

/** How a refund is asked for over HTTP, by payments and by the gateway. */
export const refundRequest = {
  idempotencyKey: Type.String({
    format: 'uuid',
    description: 'Chosen by the client; identifies this refund request.',
  }),
  body: Type.Object({
    amount: Type.Optional(
      Type.String({
        description:
          "Decimal with the payment's exponent, such as 40.00; all that remains if absent",
      }),
    ),
    reason: Type.Enum([...REFUND_CAUSES]),
    metadata: Type.Optional(Metadata),
  }),
  answerHeaders: {
    location: Type.String({ description: 'Address of the accepted refund.' }),
    'idempotency-replayed': Type.String({ description: '`true` if the answer is a replay.' }),
  },
  problems: [
    'IDEMPOTENCY_KEY_REQUIRED',
    'INVALID_IDEMPOTENCY_KEY',
    'IDEMPOTENCY_MISMATCH',
    'PAYMENT_NOT_FOUND',
    'PAYMENT_NOT_REFUNDABLE',
    'PAYMENT_IN_DOUBT',
    'PAYMENT_DISPUTED',
    'REFUND_EXCEEDS_CAPTURED',
    'REFUND_WINDOW_CLOSED',
    'REFUND_LIMIT_REACHED',
  ],
} as const
