import { type Static, Type } from 'typebox'
import { DECLINE_CODES } from '../decline-codes.ts'
import { eventRows, upcastTo } from '../event-row.ts'
import { CANCELED, PSP_REASONS, WALLET_REASONS } from '../reasons.ts'
import { TOPICS } from '../topics.ts'
import {
  EventAmount,
  EventCurrency,
  ofPayment,
  ofRequest,
  ofResult,
  Psp,
  Text,
  EventUuid,
} from './fields.ts'

/** A user or a client asks for a payment (P7). */
export const PaymentRequested = Type.Object({
  ...ofRequest,
  event_type: Type.Literal('payment.requested'),
})

/** The PSP's answer; its own codes are passed on as the PSP spells them (P5). */
export const PspAnswer = Type.Object({
  status: Type.String({ maxLength: 64 }),
  error_code: Type.Optional(Type.String({ maxLength: 255 })),
  message: Type.Optional(Type.String({ maxLength: 1024 })),
  gateway_transaction_id: Type.Optional(Type.String({ maxLength: 255 })),
})

/** The PSP approved the payment (P7). */
export const PaymentCompleted = Type.Object({
  ...ofResult,
  event_type: Type.Literal('payment.completed'),
  gateway_response: PspAnswer,
  /** The PSP that was paid; absent means `main`. */
  psp: Type.Optional(Psp),
})

/** The payment failed at the PSP: no money moved, for certain (P7). */
export const PaymentFailed = Type.Object({
  ...ofResult,
  event_type: Type.Enum([
    'payment.failed.gateway_error',
    'payment.failed.gateway_unreachable',
    'payment.failed.circuit_open',
  ]),
  reason: Type.Enum(PSP_REASONS),
  decline_code: Type.Optional(Type.Enum(DECLINE_CODES)),
  gateway_response: PspAnswer,
})

/** The PSP's outcome is unknown; the hold stays. */
export const PaymentInDoubt = Type.Object({
  ...ofResult,
  event_type: Type.Literal('payment.in_doubt'),
})

/** The payment was canceled before any request of it left for the PSP. */
export const PaymentCanceled = Type.Object({
  ...ofResult,
  event_type: Type.Literal('payment.canceled'),
})

/** The payment reached its final state (P7). */
export const PaymentFinalized = Type.Object({
  ...ofPayment,
  event_type: Type.Literal('payment.finalized'),
  external_order_id: EventUuid,
  amount: EventAmount,
  currency: EventCurrency,
  service_name: Text,
  status: Type.Enum(['COMPLETED', 'FAILED']),
  reason: Type.Union([Type.Null(), Type.Enum([...WALLET_REASONS, ...PSP_REASONS, CANCELED])]),
})

/** A payment that had failed turned out to be paid, and its money was taken from the wallet. */
export const PaymentRecovered = Type.Object({
  ...ofPayment,
  event_type: Type.Literal('payment.recovered'),
  external_order_id: EventUuid,
  amount: EventAmount,
  currency: EventCurrency,
  service_name: Text,
})

export type PspAnswer = Static<typeof PspAnswer>
export type PaymentRequested = Static<typeof PaymentRequested>
export type PaymentCompleted = Static<typeof PaymentCompleted>
export type PaymentFailed = Static<typeof PaymentFailed>
export type PaymentInDoubt = Static<typeof PaymentInDoubt>
export type PaymentFinalized = Static<typeof PaymentFinalized>
export type PaymentCanceled = Static<typeof PaymentCanceled>
export type PaymentRecovered = Static<typeof PaymentRecovered>

const requested = {
  topic: TOPICS.paymentsRequested,
  key: 'account_id',
  owner: 'payments',
  consumers: ['wallets'],
  version: '1.1.0',
  since: '0.1.0',
  upcasts: [upcastTo.byUser],
} as const

const result = {
  topic: TOPICS.paymentsResults,
  key: 'account_id',
  owner: 'processor',
  consumers: ['payments', 'wallets'],
  version: '1.1.0',
  since: '0.1.0',
  upcasts: [upcastTo.bySystem],
} as const

/** The events of payments: one row for each type. */
export const paymentEvents = eventRows({
  'payment.requested': {
    schema: PaymentRequested,
    description: 'A user or a client requested a payment.',
    ...requested,
  },
  'payment.completed': {
    schema: PaymentCompleted,
    description: 'The PSP approved the payment.',
    ...result,
    version: '1.1.1',
  },
  'payment.failed.gateway_error': {
    schema: PaymentFailed,
    description: 'The PSP refused the payment; no money moved.',
    ...result,
    version: '1.1.1',
  },
  'payment.failed.gateway_unreachable': {
    schema: PaymentFailed,
    description: 'The PSP could not be reached in time; no money moved.',
    ...result,
    version: '1.1.1',
  },
  'payment.failed.circuit_open': {
    schema: PaymentFailed,
    description: 'The circuit breaker kept the payment from the PSP; no money moved.',
    ...result,
    version: '1.1.1',
  },
  'payment.in_doubt': {
    schema: PaymentInDoubt,
    description: 'The outcome at the PSP is unknown; the funds stay on hold.',
    ...result,
    consumers: ['payments'],
  },
  'payment.canceled': {
    schema: PaymentCanceled,
    description: 'The payment was canceled before it was sent; no money moved.',
    ...result,
    consumers: ['payments', 'wallets'],
    version: '1.0.0',
    since: '0.2.0',
    upcasts: [],
  },
  'payment.finalized': {
    schema: PaymentFinalized,
    description: 'The payment reached its final state, COMPLETED or FAILED.',
    ...requested,
    topic: TOPICS.paymentsFinalized,
    consumers: ['notifications', 'orders'],
    upcasts: [upcastTo.bySystem],
  },
  'payment.recovered': {
    schema: PaymentRecovered,
    description: 'A payment that had failed is paid after all: the PSP had moved the money.',
    ...requested,
    topic: TOPICS.paymentsFinalized,
    consumers: ['notifications', 'orders'],
    version: '1.0.0',
    since: '0.2.0',
    upcasts: [],
  },
})
