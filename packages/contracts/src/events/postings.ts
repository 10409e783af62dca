import { type Static, Type } from 'typebox'
import { eventRows } from '../event-row.ts'
import { TOPICS } from '../topics.ts'
import { envelope, EventAmount, EventCurrency, EventUuid, Psp } from './fields.ts'

/** What moves between a wallet and the settlement account of a PSP, beside payments. */
const POSTING_KINDS = ['refund', 'return', 'recapture'] as const

/** The accounts on the other side of the settlement account. */
export const POSTING_ENDS = ['wallet', 'suspense', 'receivable'] as const

/** What a posting is made for, by its type and id. */
export const PostingSource = Type.Object({
  type: Type.Enum(['payment', 'refund', 'return']),
  id: EventUuid,
})

const ofPosting = {
  ...envelope,
  /** Also its idempotency key: it is booked once. */
  posting_id: EventUuid,
  /**
   * `refund` and `return`: from the settlement account to the other end; `recapture`: from the
   * other end to the settlement account, since money left that was thought to be back.
   */
  kind: Type.Enum(POSTING_KINDS),
  source: PostingSource,
  payment_id: Type.Optional(EventUuid),
  user_id: Type.Optional(EventUuid),
  psp: Psp,
  amount: EventAmount,
  currency: EventCurrency,
}

/** Payments decided, under the payment's row lock, that this money is to be booked. */
export const PostingRequested = Type.Object({
  ...ofPosting,
  event_type: Type.Literal('posting.requested'),
  /** The end that is wanted. */
  end: Type.Enum(POSTING_ENDS),
  /**
   * Of a return: what of the amount did not come back to the settlement account, since the bank
   * kept it. The fees account bears it if the wallet is credited; elsewhere only the rest is
   * booked.
   */
  charges: Type.Optional(EventAmount),
  /** The end where the wallet cannot take part: it is closed or frozen, or has too little. */
  otherwise: Type.Enum(['suspense', 'receivable']),
})

/** The wallet booked it, in one transfer. */
export const FundsPosted = Type.Object({
  ...ofPosting,
  event_type: Type.Literal('funds.posted'),
  end: Type.Enum(POSTING_ENDS),
  wallet_transaction_id: EventUuid,
})

export type PostingKindOfEvents = (typeof POSTING_KINDS)[number]
export type PostingSource = Static<typeof PostingSource>
export type PostingEnd = (typeof POSTING_ENDS)[number]
export type PostingRequested = Static<typeof PostingRequested>
export type FundsPosted = Static<typeof FundsPosted>

const common = { key: 'account_id', version: '1.0.0', since: '0.2.0', upcasts: [] } as const

/** Money that comes back, and the answer of the ledger: one row for each type. */
export const postingEvents = eventRows({
  'posting.requested': {
    schema: PostingRequested,
    description: 'Money that came back, or left again, is to be booked.',
    ...common,
    topic: TOPICS.postingsRequested,
    owner: 'payments',
    consumers: ['wallets'],
  },
  'funds.posted': {
    schema: FundsPosted,
    description: 'The money was booked: to the wallet, or to where it waits for a person.',
    ...common,
    topic: TOPICS.fundsPosted,
    owner: 'wallets',
    consumers: ['payments'],
  },
})
