import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'

/** A `user.created` of this release: a new user with one account in USD, but for `changes`. */
export function userCreatedEvent(changes: Partial<UserCreated> = {}): UserCreated {
  const userId = changes.user_id ?? newId()
  const account = changes.account_id ?? accountIdOf('caudal', userId, 'USD')
  return {
    event_id: newId(),
    event_type: 'user.created',
    timestamp: '2026-01-01T00:00:00Z',
    schema_version: '1.1.0',
    actor: { type: 'system', id: 'identity' },
    region: 'local',
    tenant_id: 'caudal',
    account_id: account,
    user_id: userId,
    wallet_id: walletIdOf('caudal', userId),
    accounts: [{ account_id: account, currency: 'USD' }],
    ...changes,
  }
}
