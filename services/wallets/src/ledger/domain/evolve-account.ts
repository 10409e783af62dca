import type { AccountChange } from './account-change.ts'
import type { Account } from './account.ts'
import type { Entry } from './transfer.ts'

/**
 * The account after an entry, or after a change of the account itself. Pure: entries and changes
 * carry what is true afterwards, so nothing is computed a second time.
 */
export function evolveAccount(account: Account, by: Entry | AccountChange): Account {
  if ('changeId' in by) {
    const { status, overdraftLimitMinor, revision } = by
    return { ...account, status, overdraftLimitMinor, revision }
  }
  const { balanceAfterMinor, accountVersion: version } = by
  return by.balance === 'available'
    ? { ...account, availableMinor: balanceAfterMinor, version }
    : { ...account, heldMinor: balanceAfterMinor, version }
}
