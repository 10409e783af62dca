import assert from 'node:assert/strict'
import {
  type Account,
  type SystemAccount,
  systemAccount,
  type SystemAccountKind,
} from './account.ts'
import type { Command } from './command.ts'
import { findHold, type LedgerState } from './ledger-state.ts'
import { sumToZero } from './sum-to-zero.ts'

/**
 * The accounts of the system that the command names or has on its other side. `likely` is the
 * currency of a commit that says none and whose hold is not in the state.
 */
export function systemAccountsOf(
  command: Command,
  state: LedgerState,
  likely?: string,
): readonly SystemAccount[] {
  if (command.kind === 'transfer') {
    return command.postings.flatMap(({ system }) => (system === null ? [] : [system]))
  }
  const other = counterpart(command, state, likely)
  return other === null ? [] : [other]
}

/**
 * Those that are not there yet and must be opened for the command. One that will be refused
 * whatever the balances are opens nothing.
 */
export function missingSystemAccounts(command: Command, state: LedgerState): SystemAccount[] {
  const missing = systemAccountsOf(command, state).filter(
    ({ accountId }) => !state.accounts.has(accountId),
  )
  return missing.length > 0 && hasItsAccounts(command, state) ? missing : []
}

/** The system account on the other side of the command as it stands in the state. */
export function counterpartOf(command: Command, state: LedgerState): Account {
  const name = counterpart(command, state)
  assert(name, `a ${command.kind} has a counterpart`)
  const account = state.accounts.get(name.accountId)
  assert(account, `${name.kind} ${name.currency} ${name.stripe} is loaded with the command`)
  return account
}

/** Whether the accounts that the command names itself are there, in its currencies. */
function hasItsAccounts(command: Command, state: LedgerState): boolean {
  if (command.kind !== 'transfer') {
    const currency = counterpart(command, state)?.currency
    return state.accounts.get(command.accountId)?.currency === currency
  }
  if (!sumToZero(command.postings)) return false
  return command.postings.every(
    ({ system, accountId, currency }) =>
      system !== null || state.accounts.get(accountId)?.currency === currency,
  )
}

/** Null where there is none, or its currency is unknown; that of a commit may be its hold's. */
function counterpart(command: Command, state: LedgerState, likely?: string): SystemAccount | null {
  const kind = kindOfCounterpart(command)
  if (kind === null || !('currency' in command) || !('stripe' in command)) return null
  const currency = command.currency ?? findHold(state, command)?.currency ?? likely
  if (currency === undefined) return null
  const { tenantId, stripe } = command
  return systemAccount({ tenantId, kind, currency, stripe })
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
    case 'transfer':
    case 'freeze':
    case 'unfreeze':
    case 'close':
    case 'overdraft':
      return null
    default:
      return command satisfies never
  }
}
