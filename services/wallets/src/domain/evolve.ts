import assert from 'node:assert/strict'
import type { Command } from './command.ts'
import { holdKeyOf } from './hold.ts'
import { type LedgerState, nameOfKey, referenceName } from './ledger-state.ts'
import type { Committed, Outcome, Refused } from './outcome.ts'
import { isKept } from './outcome.ts'
import type { Transfer } from './transfer.ts'

/**
 * Applies an outcome to the state in place, so that the next command of the batch sees it. Entries
 * say what the balances are afterwards; nothing is computed a second time.
 */
export function evolve(state: LedgerState, command: Command, outcome: Outcome): void {
  switch (outcome.type) {
    case 'committed':
      applyEntries(state, outcome.transfer)
      if (outcome.hold !== null) state.holds.set(holdKeyOf(outcome.hold), outcome.hold)
      if (command.key.clientId !== null) {
        const { tenantId, kind, referenceId } = command
        state.references.add(referenceName(tenantId, kind, referenceId))
      }
      rememberKey(state, command, outcome)
      return
    case 'refused':
      if (outcome.hold !== null) state.holds.set(holdKeyOf(outcome.hold), outcome.hold)
      rememberKey(state, command, outcome)
      return
    case 'repeated':
    case 'unchanged':
    case 'inapplicable':
      return
    default:
      outcome satisfies never
  }
}

function applyEntries(state: LedgerState, transfer: Transfer): void {
  for (const { accountId, balance, balanceAfterMinor, accountVersion } of transfer.entries) {
    const account = state.accounts.get(accountId)
    assert(account, 'an entry names a loaded account')
    if (balance === 'available') account.availableMinor = balanceAfterMinor
    else account.heldMinor = balanceAfterMinor
    account.version = accountVersion
  }
}

function rememberKey(state: LedgerState, command: Command, outcome: Committed | Refused): void {
  const name = nameOfKey(command)
  if (name === null || !isKept(outcome)) return
  const { fingerprint } = command.key
  state.keys.set(name, { fingerprint, answer: null, outcome })
}
