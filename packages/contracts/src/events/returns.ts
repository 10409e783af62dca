import { type Static, Type } from 'typebox'
import { eventRows } from '../event-row.ts'
import { CASE_REASONS } from '../reasons.ts'
import { RETURN_CODES } from '../return-reasons.ts'
import { TOPICS } from '../topics.ts'
import { envelope, EventAmount, EventCurrency, EventUuid, ofPayment, Psp, Text } from './fields.ts'

const ofReturn = {
  return_id: EventUuid,
  psp: Psp,
  amount: EventAmount,
  currency: EventCurrency,
  /** As the bank spells it, such as AC04. */
  reason: Text,
  reason_code: Type.Enum(RETURN_CODES),
}

/** Money of a payment came back and is credited to the wallet. */
export const PaymentReturned = Type.Object({
  ...ofPayment,
  event_type: Type.Literal('payment.returned'),
  ...ofReturn,
  service_name: Text,
})

/** Money came back and belongs to no payment that could take it: it waits in suspense. */
export const ReturnUnmatched = Type.Object({
  ...envelope,
  event_type: Type.Literal('return.unmatched'),
  ...ofReturn,
})

/** Something needs a person. */
export const CaseOpened = Type.Object({
  ...envelope,
  event_type: Type.Literal('case.opened'),
  case_id: EventUuid,
  reason: Type.Enum(CASE_REASONS),
  subject: Type.Object({
    type: Type.Enum(['payment', 'refund', 'return', 'dispute', 'callback']),
    id: EventUuid,
  }),
  detail: Text,
  payment_id: Type.Optional(EventUuid),
  user_id: Type.Optional(EventUuid),
  amount: Type.Optional(EventAmount),
  currency: Type.Optional(EventCurrency),
})

export type PaymentReturned = Static<typeof PaymentReturned>
export type ReturnUnmatched = Static<typeof ReturnUnmatched>
export type CaseOpened = Static<typeof CaseOpened>

const common = {
  topic: TOPICS.returnsFinalized,
  key: 'account_id',
  owner: 'payments',
  consumers: [],
  version: '1.0.0',
  since: '0.2.0',
  upcasts: [],
} as const

/** The ends of returns, and cases: one row for each type. */
export const returnEvents = eventRows({
  'payment.returned': {
    schema: PaymentReturned,
    description: 'Money of the payment came back and was credited to the wallet.',
    ...common,
    consumers: ['notifications'],
  },
  'return.unmatched': {
    schema: ReturnUnmatched,
    description: 'Money came back that no payment can take; it is in suspense.',
    ...common,
  },
  'case.opened': {
    schema: CaseOpened,
    description: 'Something needs a person.',
    ...common,
    topic: TOPICS.cases,
  },
})
