import type { Account, AccountStatus } from './account.ts'
import type { AccountCommand, CommandKey } from './command.ts'

/** A change of an account itself: who asked for it, and how the account stands afterwards. */
export interface AccountChange {
  changeId: string
  kind: AccountCommand['kind']
  accountId: string
  tenantId: string
  currency: string
  key: CommandKey & { clientId: string }
  referenceId: string
  reason: string
  status: AccountStatus
  overdraftLimitMinor: bigint
  /** Transfers until then, and changes with this one. */
  version: number
  revision: number
}

/** Carries a change into the account, in place. */
export function applyChange(account: Account, change: AccountChange): void {
  account.status = change.status
  account.overdraftLimitMinor = change.overdraftLimitMinor
  account.revision = change.revision
}
