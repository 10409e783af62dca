import assert from 'node:assert/strict'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { Account } from './account.ts'
import type { TakeCommand } from './command.ts'
import type { Conditions } from './conditions.ts'
import { type Hold, isExpired } from './hold.ts'
import { findHold, type LedgerState } from './ledger-state.ts'
import type { Inapplicable, Outcome } from './outcome.ts'
import { posted, type Posting } from './post.ts'
import { isReferenceUsed, refused, walletOf } from './refuse.ts'
import { systemAccountsOf } from './system-accounts.ts'

const OF_ANOTHER_CLIENT = `ending a hold of another client needs a token with ${SCOPE.ledgerAdmin}`

/** Held money is captured or released: by a client, a payment's result, or the end of its time. */
export function decideTaking(command: TakeCommand, state: LedgerState, at: Conditions): Outcome {
  switch (command.source.type) {
    case 'client':
      return decideForClient(command, state, at)
    case 'payment':
      return decidePaymentResult(command, state, at)
    case 'expiry':
      return decideExpiry(command, state, at)
    default:
      return command.source.type satisfies never
  }
}

/** A client of the ledger commits or rolls back a hold that a client made. */
function decideForClient(command: TakeCommand, state: LedgerState, at: Conditions): Outcome {
  const account = walletOf(command, state)
  if (account === undefined) return refused('ACCOUNT_NOT_FOUND')
  if (isReferenceUsed(command, state)) return refused('REFERENCE_ALREADY_USED')
  if (account.status === 'closed') return refused('ACCOUNT_CLOSED')
  const hold = findHold(state, command)
  // A payment's hold follows the PSP's verdict only: for a client it is not there. One whose time
  // is over has ended with it, whether or not the money is back yet.
  if (
    hold === undefined ||
    hold.paymentId !== null ||
    hold.status !== 'open' ||
    hold.accountId !== command.accountId ||
    isExpired(hold, at.nowMs)
  ) {
    return refused('HOLD_NOT_OPEN')
  }
  if (!command.rights.admin && hold.clientId !== command.key.clientId) {
    return refused('FORBIDDEN', OF_ANOTHER_CLIENT)
  }
  if (command.currency !== null && command.currency !== hold.currency) {
    return refused('CURRENCY_MISMATCH')
  }
  const amountMinor = command.amountMinor ?? hold.remainingMinor
  if (amountMinor > hold.remainingMinor) return refused('INSUFFICIENT_FUNDS')
  return takeFromHold({ command, hold, account, amountMinor }, state, at)
}

/** The PSP's verdict on a payment: it cannot be refused, only repeated or contradicted. */
function decidePaymentResult(command: TakeCommand, state: LedgerState, at: Conditions): Outcome {
  const hold = findHold(state, command)
  if (hold === undefined) {
    return { type: 'inapplicable', kind: 'waiting', cause: 'the payment has no hold yet' }
  }
  const difference = differenceOf(command, hold)
  if (difference !== null) return contradiction(difference)
  const wanted = command.kind === 'commit' ? 'committed' : 'released'
  if (hold.status === wanted) return { type: 'unchanged' }
  if (hold.status !== 'open') {
    return contradiction(`the result asks for a ${command.kind}, but the hold is ${hold.status}`)
  }
  const account = accountOf(hold, state)
  return takeFromHold({ command, hold, account, amountMinor: hold.amountMinor }, state, at)
}

/** The hold's time is over. If it has ended otherwise before, nothing happens. */
function decideExpiry(command: TakeCommand, state: LedgerState, at: Conditions): Outcome {
  const hold = findHold(state, command)
  if (hold?.status !== 'open' || !isExpired(hold, at.nowMs)) return { type: 'unchanged' }
  const account = accountOf(hold, state)
  return takeFromHold({ command, hold, account, amountMinor: hold.remainingMinor }, state, at)
}

function accountOf(hold: Hold, state: LedgerState): Account {
  const account = state.accounts.get(hold.accountId)
  assert(account, 'the account of a hold is loaded with it')
  return account
}

interface Taking {
  command: TakeCommand
  hold: Hold
  account: Account
  amountMinor: bigint
}

/** Moves held money on, or back; a hold stays open as long as something is left in it. */
function takeFromHold(taking: Taking, state: LedgerState, at: Conditions): Outcome {
  const { command, hold, account, amountMinor } = taking
  const left = hold.remainingMinor - amountMinor
  const released = command.kind === 'commit' && command.releaseRest ? left : 0n
  const to = command.kind === 'commit' ? settlementOf(command, state, at) : account
  const postings: Posting[] = [
    { account, balance: 'held', amountMinor: -amountMinor - released },
    { account: to, balance: 'available', amountMinor },
  ]
  if (released > 0n) postings.push({ account, balance: 'available', amountMinor: released })
  const remainingMinor = left - released
  const closed = command.kind === 'commit' ? 'committed' : 'released'
  const status = remainingMinor > 0n ? 'open' : closed
  return posted(command, at, {
    postings,
    amountMinor,
    hold: { ...hold, remainingMinor, status },
  })
}

/** The account on the other side of a commit, on the slot of its batch. */
function settlementOf(command: TakeCommand, state: LedgerState, { slot }: Conditions): Account {
  const [named] = systemAccountsOf({ command, slot }, state)
  const account = named && state.accounts.get(named.accountId)
  assert(account, 'the settlement account of a commit is loaded with it')
  return account
}

/** How the result differs from the hold, for people; null when they agree. */
function differenceOf(command: TakeCommand, hold: Hold): string | null {
  if (hold.status !== 'refused' && command.holdId !== hold.holdId) {
    return `the payment's hold is ${hold.holdId}, the result names ${command.holdId}`
  }
  if (command.tenantId !== hold.tenantId || command.accountId !== hold.accountId) {
    return `the hold is on account ${hold.accountId}, the result names ${command.accountId}`
  }
  if (command.amountMinor !== hold.amountMinor || command.currency !== hold.currency) {
    return (
      `the hold is of ${hold.amountMinor} ${hold.currency}, ` +
      `the result is for ${command.amountMinor} ${command.currency}`
    )
  }
  return null
}

function contradiction(cause: string): Inapplicable {
  return { type: 'inapplicable', kind: 'contradiction', cause }
}
