import { type Static, Type } from 'typebox'
import { eventRows, upcastTo } from '../event-row.ts'
import { TOPICS } from '../topics.ts'
import { EventCurrency, envelope, EventUuid } from './fields.ts'

/** A user exists: wallets opens these accounts. The partition key is the first account. */
export const UserCreated = Type.Object({
  ...envelope,
  event_type: Type.Literal('user.created'),
  user_id: EventUuid,
  wallet_id: EventUuid,
  accounts: Type.Array(Type.Object({ account_id: EventUuid, currency: EventCurrency }), {
    minItems: 1,
    maxItems: 32,
  }),
})

export type UserCreated = Static<typeof UserCreated>

/** The events of users: one row for each type. */
export const userEvents = eventRows({
  'user.created': {
    schema: UserCreated,
    description: 'A user was created, with the accounts that wallets opens.',
    topic: TOPICS.users,
    key: 'account_id',
    owner: 'identity',
    consumers: ['wallets'],
    version: '1.1.0',
    since: '0.1.0',
    upcasts: [upcastTo.bySystem],
  },
})
