import { type Static, Type } from 'typebox'
import { DECLINE_CODES } from '../decline-codes.ts'
import { eventRows } from '../event-row.ts'
import { REFUND_REASONS } from '../reasons.ts'
import { TOPICS } from '../topics.ts'
import { EventAmount, EventCurrency, EventUuid, ofPayment, Psp, Text } from './fields.ts'
import { PspAnswer } from './payments.ts'

const ofRefund = {
  ...ofPayment,
  refund_id: EventUuid,
  amount: EventAmount,
  currency: EventCurrency,
}

/** A refund at its PSP, and how the money goes back: refunded, or the payment voided. */
const atPsp = { ...ofRefund, psp: Psp, method: Type.Enum(['refund', 'void']) }

/** A client or an operator asks to give money of a payment back (P12). */
export const RefundRequested = Type.Object({
  ...ofRefund,
  event_type: Type.Literal('refund.requested'),
})

/** A request for the refund is about to leave for the PSP: it can no longer be canceled. */
export const RefundSubmitted = Type.Object({
  ...atPsp,
  event_type: Type.Literal('refund.submitted'),
})

/** The PSP's outcome is unknown (rule 9). */
export const RefundInDoubt = Type.Object({
  ...atPsp,
  event_type: Type.Literal('refund.in_doubt'),
})

/** The PSP gave the money back. */
export const RefundSucceeded = Type.Object({
  ...atPsp,
  event_type: Type.Literal('refund.succeeded'),
  /** `gateway_transaction_id` is the PSP's id of the refund, not of the payment. */
  gateway_response: PspAnswer,
})

/** No money moved, for certain. */
export const RefundFailed = Type.Object({
  ...ofRefund,
  event_type: Type.Literal('refund.failed'),
  reason: Type.Enum(REFUND_REASONS),
  decline_code: Type.Optional(Type.Enum(DECLINE_CODES)),
  gateway_response: PspAnswer,
})

/** The refund was canceled before any request of it left. */
export const RefundCanceled = Type.Object({
  ...ofRefund,
  event_type: Type.Literal('refund.canceled'),
})

/** The PSP took a refund back that it had approved: the money left again. */
export const RefundReversed = Type.Object({
  ...atPsp,
  event_type: Type.Literal('refund.reversed'),
})

/**
 * The refund reached its final state: SUCCEEDED once the wallet is credited, or the money was taken
 * back afterwards.
 */
export const RefundFinalized = Type.Object({
  ...ofRefund,
  event_type: Type.Literal('refund.finalized'),
  service_name: Text,
  status: Type.Enum(['SUCCEEDED', 'FAILED', 'CANCELED', 'REVERSED']),
  failure_reason: Type.Union([Type.Null(), Type.Enum(REFUND_REASONS)]),
  /** Counts the states of the refund, from 1. */
  version: Type.Integer({ minimum: 1 }),
})

export type RefundRequested = Static<typeof RefundRequested>
export type RefundSubmitted = Static<typeof RefundSubmitted>
export type RefundInDoubt = Static<typeof RefundInDoubt>
export type RefundSucceeded = Static<typeof RefundSucceeded>
export type RefundFailed = Static<typeof RefundFailed>
export type RefundCanceled = Static<typeof RefundCanceled>
export type RefundReversed = Static<typeof RefundReversed>
export type RefundFinalized = Static<typeof RefundFinalized>

const common = {
  key: 'account_id',
  owner: 'processor',
  consumers: ['payments'],
  topic: TOPICS.refundsResults,
  version: '1.0.0',
  since: '0.2.0',
  upcasts: [],
} as const

/** The events of refunds: one row for each type. */
export const refundEvents = eventRows({
  'refund.requested': {
    schema: RefundRequested,
    description: 'A refund of a payment was requested.',
    ...common,
    topic: TOPICS.refundsRequested,
    owner: 'payments',
    consumers: ['processor'],
  },
  'refund.submitted': {
    schema: RefundSubmitted,
    description: 'A request for the refund is about to leave for the PSP.',
    ...common,
  },
  'refund.in_doubt': {
    schema: RefundInDoubt,
    description: 'The outcome of the refund at the PSP is unknown.',
    ...common,
  },
  'refund.succeeded': {
    schema: RefundSucceeded,
    description: 'The PSP refunded the amount or voided the payment.',
    ...common,
  },
  'refund.failed': {
    schema: RefundFailed,
    description: 'The refund failed; no money moved.',
    ...common,
  },
  'refund.canceled': {
    schema: RefundCanceled,
    description: 'The refund was canceled before it was sent; no money moved.',
    ...common,
  },
  'refund.reversed': {
    schema: RefundReversed,
    description: 'The PSP took back a refund that it had approved.',
    ...common,
  },
  'refund.finalized': {
    schema: RefundFinalized,
    description: 'The refund reached a final state; a successful one is credited to the wallet.',
    ...common,
    topic: TOPICS.refundsFinalized,
    owner: 'payments',
    consumers: ['notifications'],
  },
})
