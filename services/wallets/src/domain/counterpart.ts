import assert from 'node:assert/strict'
import { type Account, type SystemAccountKind, systemAccountIdOf } from './account.ts'
import type { Command } from './command.ts'
import { findHold, type LedgerState } from './ledger-state.ts'

/** One stripe of a system account: who it belongs to and which it is. */
export interface SystemAccount {
  accountId: string
  tenantId: string
  kind: SystemAccountKind
  currency: string
  stripe: number
}

/**
 * The system account on the other side of the command, if it has one and its currency is known: of
 * a commit that names none it is the hold's.
 */
export function counterpart(command: Command, state: LedgerState): SystemAccount | null {
  const kind = kindOfCounterpart(command)
  if (kind === null) return null
  const currency = command.currency ?? findHold(state, command)?.currency
  if (currency === undefined) return null
  const { tenantId, stripe } = command
  const accountId = systemAccountIdOf(tenantId, kind, currency, stripe)
  return { accountId, tenantId, kind, currency, stripe }
}

/** The same as it stands in the state. */
export function counterpartOf(command: Command, state: LedgerState): Account {
  const name = counterpart(command, state)
  assert(name, `a ${command.kind} has a counterpart`)
  const account = state.accounts.get(name.accountId)
  assert(account, `${name.kind} ${name.currency} ${name.stripe} is loaded with the command`)
  return account
}

function kindOfCounterpart(command: Command): SystemAccountKind | null {
  switch (command.kind) {
    case 'credit':
      return 'deposits_clearing'
    case 'debit':
      return 'payouts_clearing'
    case 'commit':
      return 'psp_settlement'
    case 'hold':
    case 'rollback':
      return null
    default:
      return command satisfies never
  }
}
