import assert from 'node:assert/strict'
import { applyChange } from './account-change.ts'
import type { Account } from './account.ts'
import type { Command, Request } from './command.ts'
import { holdKeyOf } from './hold.ts'
import { type LedgerState, nameOfKey, referenceName, transferName } from './ledger-state.ts'
import type { Changed, Committed, Outcome, RequestOutcome } from './outcome.ts'
import { isFinal, isKept } from './outcome.ts'
import type { Transfer } from './transfer.ts'

/**
 * Applies an outcome to the state in place, so that the next command of the batch sees it. Entries
 * say what the balances are afterwards; nothing is computed a second time.
 */
export function evolve(state: LedgerState, command: Command, outcome: Outcome): void {
  switch (outcome.type) {
    case 'committed':
    case 'changed':
      carryOut(state, command, outcome)
      break
    case 'refused':
      if (outcome.hold !== null) state.holds.set(holdKeyOf(outcome.hold), outcome.hold)
      break
    case 'repeated':
    case 'unchanged':
    case 'inapplicable':
      return
    default:
      outcome satisfies never
  }
  rememberKey(state, command, outcome)
}

/** What a command did, without its key: a command of an atomic batch has none of its own. */
export function carryOut(state: LedgerState, command: Command, outcome: Committed | Changed): void {
  if (outcome.type === 'changed') {
    applyChange(accountIn(state, outcome.change.accountId), outcome.change)
  } else {
    const { transfer, hold } = outcome
    applyEntries(state, transfer)
    state.transfers.add(transferName(transfer.tenantId, transfer.transferId))
    if (hold !== null) state.holds.set(holdKeyOf(hold), hold)
  }
  if (command.key.clientId !== null) {
    const { tenantId, kind, referenceId } = command
    state.references.add(referenceName(tenantId, kind, referenceId))
  }
}

/** The key answers the same again from now on, if the outcome binds it (F2). */
export function rememberKey(state: LedgerState, request: Request, outcome: RequestOutcome): void {
  const name = nameOfKey(request)
  if (name === null || !isFinal(outcome) || !isKept(outcome)) return
  const { fingerprint } = request.key
  state.keys.set(name, { fingerprint, answer: null, outcome })
}

function applyEntries(state: LedgerState, transfer: Transfer): void {
  for (const { accountId, balance, balanceAfterMinor, accountVersion } of transfer.entries) {
    const account = accountIn(state, accountId)
    if (balance === 'available') account.availableMinor = balanceAfterMinor
    else account.heldMinor = balanceAfterMinor
    account.version = accountVersion
  }
}

function accountIn(state: LedgerState, accountId: string): Account {
  const account = state.accounts.get(accountId)
  assert(account, 'an outcome names loaded accounts only')
  return account
}
