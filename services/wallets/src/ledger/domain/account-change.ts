import type { Actor } from '@caudal/contracts/actor.ts'
import type { AccountStatus } from './account.ts'
import type { AccountCommand, CommandKey } from './command.ts'

/** A change of an account itself: who caused it, and how the account stands afterwards. */
export interface AccountChange {
  changeId: string
  kind: AccountCommand['kind']
  accountId: string
  tenantId: string
  currency: string
  actor: Actor
  key: CommandKey & { clientId: string }
  referenceId: string
  reason: string
  status: AccountStatus
  overdraftLimitMinor: bigint
  /** Transfers until then, and changes with this one. */
  version: number
  revision: number
}
