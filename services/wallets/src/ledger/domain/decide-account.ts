import assert from 'node:assert/strict'
import type { AccountChange } from './account-change.ts'
import type { Account } from './account.ts'
import type { AccountCommand } from './command.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Changed, Outcome } from './outcome.ts'
import { isReferenceUsed, refused, walletOf } from './refuse.ts'

/** Freezing, unfreezing, closing, and how far an account may be overdrawn. */
export function decideAccountChange(command: AccountCommand, state: LedgerState): Outcome {
  const account = walletOf(command, state)
  if (account === undefined) return refused('ACCOUNT_NOT_FOUND')
  if (isReferenceUsed(command, state)) return refused('REFERENCE_ALREADY_USED')
  if (account.status === 'closed') return refused('ACCOUNT_CLOSED')
  switch (command.kind) {
    case 'freeze':
      return changed(command, account, { status: 'frozen' })
    case 'unfreeze':
      return changed(command, account, { status: 'open' })
    case 'close':
      // An open hold keeps money, so two empty balances mean that there is none.
      if (account.availableMinor !== 0n || account.heldMinor !== 0n) {
        return refused('ACCOUNT_NOT_EMPTY')
      }
      return changed(command, account, { status: 'closed' })
    case 'overdraft':
      if (command.currency !== account.currency) return refused('CURRENCY_MISMATCH')
      if (account.availableMinor < -command.limitMinor) return refused('OVERDRAFT_IN_USE')
      return changed(command, account, { overdraftLimitMinor: command.limitMinor })
    default:
      return command satisfies never
  }
}

function changed(
  command: AccountCommand,
  account: Account,
  change: Partial<Pick<AccountChange, 'status' | 'overdraftLimitMinor'>>,
): Changed {
  const { clientId, value, fingerprint } = command.key
  assert(clientId !== null, 'accounts are changed by clients')
  assert(account.overdraftLimitMinor !== null, 'a wallet has a limit')
  return {
    type: 'changed',
    change: {
      changeId: command.transferId,
      kind: command.kind,
      accountId: account.accountId,
      tenantId: account.tenantId,
      currency: account.currency,
      actor: command.actor,
      key: { clientId, value, fingerprint },
      referenceId: command.referenceId,
      reason: command.reason,
      status: account.status,
      overdraftLimitMinor: account.overdraftLimitMinor,
      version: account.version,
      revision: account.revision + 1,
      ...change,
    },
  }
}
