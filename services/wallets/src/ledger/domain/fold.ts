import assert from 'node:assert/strict'
import type { Account } from './account.ts'
import { type Command, type Request, takesReference } from './command.ts'
import { foldCorrection } from './correction.ts'
import { evolveAccount } from './evolve-account.ts'
import { holdKeyOf } from './hold.ts'
import {
  type LedgerState,
  nameOfKey,
  nameOfSpending,
  pspPostingName,
  referenceName,
  transferName,
} from './ledger-state.ts'
import type { Changed, Outcome, Posted, RequestOutcome } from './outcome.ts'
import { isFinalOutcome, isKept } from './outcome.ts'
import { bookedBy } from './psp-posting.ts'

/**
 * Puts what an outcome makes of accounts and holds into the state of the batch, so that the next
 * command sees it. The values in the state are replaced, never changed.
 */
export function fold(state: LedgerState, command: Command, outcome: Outcome): void {
  switch (outcome.type) {
    case 'posted':
    case 'changed':
      foldEffect(state, command, outcome)
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
  foldKey(state, command, outcome)
}

/** What a command did, without its key: a command of an atomic batch has none of its own. */
export function foldEffect(state: LedgerState, command: Command, outcome: Posted | Changed): void {
  if (outcome.type === 'changed') {
    const { change } = outcome
    state.accounts.set(change.accountId, evolveAccount(accountIn(state, change.accountId), change))
  } else {
    const { transfer, hold, spent } = outcome
    for (const entry of transfer.entries) {
      state.accounts.set(entry.accountId, evolveAccount(accountIn(state, entry.accountId), entry))
    }
    foldCorrection(state, transfer)
    for (const one of spent) state.spending.set(nameOfSpending(one), one)
    state.posted.set(transferName(transfer.tenantId, transfer.transferId), transfer)
    if (hold !== null) state.holds.set(holdKeyOf(hold), hold)
    const booked = bookedBy(transfer)
    if (booked !== null) {
      state.pspPostings.set(pspPostingName(booked.tenantId, booked.postingId), booked)
    }
  }
  if (takesReference(command)) {
    const { tenantId, kind, referenceId } = command
    state.references.add(referenceName(tenantId, kind, referenceId))
  }
}

/** From now on the key gives the same answer, if the outcome binds it (F2). */
export function foldKey(state: LedgerState, request: Request, outcome: RequestOutcome): void {
  const name = nameOfKey(request)
  if (name === null || !isFinalOutcome(outcome) || !isKept(outcome)) return
  const { fingerprint } = request.key
  state.keys.set(name, { fingerprint, answer: null, outcome })
}

function accountIn(state: LedgerState, accountId: string): Account {
  const account = state.accounts.get(accountId)
  assert(account, 'an outcome names loaded accounts only')
  return account
}
