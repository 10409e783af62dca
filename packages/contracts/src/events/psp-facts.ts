import { type Static, Type } from 'typebox'
import { eventRows } from '../event-row.ts'
import { CASE_REASONS, DISPUTE_OUTCOMES } from '../reasons.ts'
import { RETURN_CODES } from '../return-reasons.ts'
import { TOPICS } from '../topics.ts'
import { envelope, EventAmount, EventCurrency, EventUuid, ofPayment, Psp, Text } from './fields.ts'
import { PspAnswer } from './payments.ts'

const moved = { psp: Psp, amount: EventAmount, currency: EventCurrency }

/** A payment whose user and wallet are known. */
const known = { payment_id: EventUuid, user_id: EventUuid }

/** The PSP moved the money of a payment that had FAILED: nothing is held for it any more. */
export const PaymentCapturedLate = Type.Object({
  ...ofPayment,
  event_type: Type.Literal('payment.captured_late'),
  ...moved,
  gateway_response: PspAnswer,
})

/**
 * The PSP gave money of a payment back that no running refund accounts for: one that had FAILED or
 * was canceled, or one that somebody made at the PSP's own console.
 */
export const RefundFound = Type.Object({
  ...ofPayment,
  event_type: Type.Literal('refund.found'),
  /** Ours, or one that is made from the PSP's id of the refund. */
  refund_id: EventUuid,
  ...moved,
  gateway_response: PspAnswer,
})

/**
 * Money came back that nobody asked for: the receiving bank returned it, or the PSP reversed the
 * payment. Its key is the wallet's account, or `return_id` where the payment is not known.
 */
export const ReturnReceived = Type.Object({
  ...envelope,
  event_type: Type.Literal('return.received'),
  /** Made from the PSP and its reference, so that every evidence of one return has the same. */
  return_id: EventUuid,
  ...moved,
  /** The PSP's id of the return. */
  reference: Text,
  /** As the bank spells it, such as AC04. */
  reason: Text,
  reason_code: Type.Enum(RETURN_CODES),
  /** What the bank kept beside the amount, where it states that: then both left. */
  charges: Type.Optional(EventAmount),
  payment: Type.Optional(Type.Object(known)),
})

/** Made from the PSP and its reference. The key is that of a return. */
const ofDispute = {
  ...envelope,
  dispute_id: EventUuid,
  ...moved,
  /** The PSP's id of the dispute. */
  reference: Text,
  /** As the PSP spells it. */
  reason: Text,
  payment: Type.Optional(Type.Object(known)),
}

/** The payer disputes a payment at its bank: no refund of it is accepted until that ends. */
export const DisputeOpened = Type.Object({
  ...ofDispute,
  event_type: Type.Literal('dispute.opened'),
})

/** A dispute ended. The money of a lost one came back: it is a return of its own. */
export const DisputeClosed = Type.Object({
  ...ofDispute,
  event_type: Type.Literal('dispute.closed'),
  outcome: Type.Enum(DISPUTE_OUTCOMES),
})

/** A fact that contradicts what is known: nothing was changed, and a case needs a person. */
export const PspContradicted = Type.Object({
  ...envelope,
  event_type: Type.Literal('psp.contradicted'),
  psp: Psp,
  contradiction: Type.Enum(CASE_REASONS),
  subject: Type.Object({
    type: Type.Enum(['payment', 'refund', 'callback']),
    id: EventUuid,
  }),
  detail: Text,
  amount: Type.Optional(EventAmount),
  currency: Type.Optional(EventCurrency),
  payment: Type.Optional(Type.Object(known)),
})

export type PaymentCapturedLate = Static<typeof PaymentCapturedLate>
export type RefundFound = Static<typeof RefundFound>
export type ReturnReceived = Static<typeof ReturnReceived>
export type DisputeOpened = Static<typeof DisputeOpened>
export type DisputeClosed = Static<typeof DisputeClosed>
export type PspContradicted = Static<typeof PspContradicted>

const common = {
  topic: TOPICS.pspFacts,
  key: 'account_id',
  owner: 'processor',
  consumers: ['payments'],
  version: '1.0.0',
  since: '0.2.0',
  upcasts: [],
} as const

/** What a PSP did beside the operations that it was asked for: one row for each type. */
export const pspFactEvents = eventRows({
  'payment.captured_late': {
    schema: PaymentCapturedLate,
    description: 'The PSP moved the money of a payment that had failed.',
    ...common,
  },
  'refund.found': {
    schema: RefundFound,
    description: 'The PSP gave money back for which no refund is under way.',
    ...common,
  },
  'return.received': {
    schema: ReturnReceived,
    description: 'Money of a payment came back to the PSP.',
    ...common,
  },
  'dispute.opened': {
    schema: DisputeOpened,
    description: 'The payer disputes a payment at its bank.',
    ...common,
  },
  'dispute.closed': {
    schema: DisputeClosed,
    description: 'A dispute ended; the money of a lost one came back to the PSP.',
    ...common,
  },
  'psp.contradicted': {
    schema: PspContradicted,
    description: 'The PSP reported what contradicts the known state; nothing was changed.',
    ...common,
  },
})
