import { type Static, Type } from 'typebox'
import { eventRows, upcastTo } from '../event-row.ts'
import { CANCELED, PSP_REASONS, WALLET_REASONS } from '../reasons.ts'
import { TOPICS } from '../topics.ts'
import { ofRequest, ofResult, EventUuid } from './fields.ts'

/** The wallet holds the payment's money (P7). */
export const FundsReserved = Type.Object({
  ...ofRequest,
  event_type: Type.Literal('funds.reserved'),
  wallet_transaction_id: EventUuid,
})

/** The wallet refused the hold (P7). */
export const FundsInsufficient = Type.Object({
  ...ofRequest,
  event_type: Type.Literal('funds.insufficient'),
  reason: Type.Enum(WALLET_REASONS),
})

/** The wallet released the hold: the money is available again (P4). */
export const FundsReleased = Type.Object({
  ...ofResult,
  event_type: Type.Literal('funds.released'),
  reason: Type.Enum([...PSP_REASONS, CANCELED]),
})

export type FundsReserved = Static<typeof FundsReserved>
export type FundsInsufficient = Static<typeof FundsInsufficient>
export type FundsReleased = Static<typeof FundsReleased>

const common = {
  key: 'account_id',
  owner: 'wallets',
  version: '1.1.0',
  since: '0.1.0',
  upcasts: [upcastTo.bySystem],
} as const

/** The events of held money: one row for each type. */
export const fundsEvents = eventRows({
  'funds.reserved': {
    schema: FundsReserved,
    description: 'The wallet put the funds of the payment on hold.',
    ...common,
    topic: TOPICS.fundsReserved,
    consumers: ['payments', 'processor'],
  },
  'funds.insufficient': {
    schema: FundsInsufficient,
    description: 'The wallet refused the hold of the payment.',
    ...common,
    topic: TOPICS.paymentsResults,
    consumers: ['payments'],
  },
  'funds.released': {
    schema: FundsReleased,
    description: 'The wallet released the hold: the funds are available again.',
    ...common,
    topic: TOPICS.fundsReleased,
    consumers: ['payments'],
  },
})
