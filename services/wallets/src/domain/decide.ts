import assert from 'node:assert/strict'
import type { WalletReason } from '@caudal/contracts/reasons.ts'
import { type Account, MAX_BALANCE_MINOR } from './account.ts'
import {
  type Command,
  type CommitCommand,
  type CreditCommand,
  type DebitCommand,
  type HoldCommand,
  paymentOf,
  type RollbackCommand,
} from './command.ts'
import { counterpartOf } from './counterpart.ts'
import type { Hold } from './hold.ts'
import { findHold, type LedgerState, nameOfKey, referenceName } from './ledger-state.ts'
import type { Inapplicable, Outcome, RefusalCode, Refused } from './outcome.ts'
import { type Posting, transferOf } from './post.ts'

/** A command with the day on which its batch is booked, `YYYY-MM-DD`. */
export type Decide = (command: Command, state: LedgerState, today: string) => Outcome

/**
 * Decides one command (F1). Pure: it reads the state, which must hold every account, hold, key and
 * reference that the command names, and changes nothing; `evolve` applies the outcome.
 */
export const decide: Decide = (command, state, today) => {
  const known = state.keys.get(nameOfKey(command) ?? '')
  if (known !== undefined) {
    if (known.fingerprint !== command.key.fingerprint) return refused('IDEMPOTENCY_MISMATCH')
    return { type: 'repeated', ...known }
  }
  switch (command.kind) {
    case 'credit':
      return decideCredit(command, state, today)
    case 'debit':
      return decideDebit(command, state, today)
    case 'hold':
      return decideHold(command, state, today)
    case 'commit':
    case 'rollback':
      return paymentOf(command) === null
        ? decideClosing(command, state, today)
        : decidePaymentResult(command, state, today)
    default:
      return command satisfies never
  }
}

function decideCredit(command: CreditCommand, state: LedgerState, today: string): Outcome {
  const account = walletOf(command, state)
  const refusal = refusalOf(command, account, state)
  if (refusal !== null || account === undefined) return refused(refusal ?? 'ACCOUNT_NOT_FOUND')
  const total = account.availableMinor + account.heldMinor
  // The sum is bounded, so that giving back what is held can never overflow.
  if (command.amountMinor > MAX_BALANCE_MINOR - total) return refused('BALANCE_LIMIT_EXCEEDED')
  return committed(command, today, [
    {
      account: counterpartOf(command, state),
      balance: 'available',
      amountMinor: -command.amountMinor,
    },
    { account, balance: 'available', amountMinor: command.amountMinor },
  ])
}

function decideDebit(command: DebitCommand, state: LedgerState, today: string): Outcome {
  const account = walletOf(command, state)
  const refusal = refusalOf(command, account, state)
  if (refusal !== null || account === undefined) return refused(refusal ?? 'ACCOUNT_NOT_FOUND')
  if (command.amountMinor > account.availableMinor) return refused('INSUFFICIENT_FUNDS')
  return committed(command, today, [
    { account, balance: 'available', amountMinor: -command.amountMinor },
    {
      account: counterpartOf(command, state),
      balance: 'available',
      amountMinor: command.amountMinor,
    },
  ])
}

function decideHold(command: HoldCommand, state: LedgerState, today: string): Outcome {
  const earlier = findHold(state, command)
  if (earlier !== undefined) return holdAgain(command, earlier)
  const account = walletOf(command, state)
  const refusal = refusalOf(command, account, state)
  if (refusal !== null || account === undefined) {
    return refusedHold(command, refusal ?? 'ACCOUNT_NOT_FOUND')
  }
  if (command.amountMinor > account.availableMinor) {
    return refusedHold(command, 'INSUFFICIENT_FUNDS')
  }
  const hold = newHold(command, 'open')
  return committed(
    command,
    today,
    [
      { account, balance: 'available', amountMinor: -command.amountMinor },
      { account, balance: 'held', amountMinor: command.amountMinor },
    ],
    hold,
  )
}

/** One hold a payment, for ever: the same request again changes nothing (rule 4). */
function holdAgain(command: HoldCommand, hold: Hold): Outcome {
  const same =
    hold.accountId === command.accountId &&
    hold.tenantId === command.tenantId &&
    hold.currency === command.currency &&
    hold.amountMinor === command.amountMinor
  if (same) return { type: 'unchanged' }
  return contradiction(
    `the payment's hold is of ${hold.amountMinor} ${hold.currency} on account ${hold.accountId}, ` +
      `the request says ${command.amountMinor} ${command.currency} on ${command.accountId}`,
  )
}

/** A client of the ledger commits or rolls back a hold that a client made. */
function decideClosing(
  command: CommitCommand | RollbackCommand,
  state: LedgerState,
  today: string,
): Outcome {
  const account = walletOf(command, state)
  if (account === undefined) return refused('ACCOUNT_NOT_FOUND')
  if (isReferenceUsed(command, state)) return refused('REFERENCE_ALREADY_USED')
  const hold = findHold(state, command)
  // A payment's hold follows the PSP's verdict only: for a client it is not there.
  if (
    hold === undefined ||
    hold.paymentId !== null ||
    hold.status !== 'open' ||
    hold.accountId !== command.accountId
  ) {
    return refused('HOLD_NOT_OPEN')
  }
  if (command.currency !== null && command.currency !== hold.currency) {
    return refused('CURRENCY_MISMATCH')
  }
  const amountMinor = command.amountMinor ?? hold.remainingMinor
  if (amountMinor > hold.remainingMinor) return refused('INSUFFICIENT_FUNDS')
  return takeFromHold({ command, hold, account, amountMinor }, state, today)
}

/** The PSP's verdict on a payment: it cannot be refused, only repeated or contradicted. */
function decidePaymentResult(
  command: CommitCommand | RollbackCommand,
  state: LedgerState,
  today: string,
): Outcome {
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
  const account = state.accounts.get(hold.accountId)
  assert(account, 'the account of a hold is loaded with it')
  return takeFromHold({ command, hold, account, amountMinor: hold.amountMinor }, state, today)
}

interface Taking {
  command: CommitCommand | RollbackCommand
  hold: Hold
  account: Account
  amountMinor: bigint
}

/** Moves held money on, or back; a hold stays open as long as something is left in it. */
function takeFromHold(taking: Taking, state: LedgerState, today: string): Outcome {
  const { command, hold, account, amountMinor } = taking
  const target: Posting =
    command.kind === 'commit'
      ? { account: counterpartOf(command, state), balance: 'available', amountMinor }
      : { account, balance: 'available', amountMinor }
  const remainingMinor = hold.remainingMinor - amountMinor
  const closed = command.kind === 'commit' ? 'committed' : 'released'
  return committed(
    command,
    today,
    [{ account, balance: 'held', amountMinor: -amountMinor }, target],
    { ...hold, remainingMinor, status: remainingMinor > 0n ? 'open' : closed },
  )
}

/** What the result says differently from the hold, for people; null when they agree. */
function differenceOf(command: CommitCommand | RollbackCommand, hold: Hold): string | null {
  if (hold.status !== 'refused' && command.hold.holdId !== hold.holdId) {
    return `the payment's hold is ${hold.holdId}, the result names ${command.hold.holdId}`
  }
  if (command.tenantId !== hold.tenantId || command.accountId !== hold.accountId) {
    return `the hold is on account ${hold.accountId}, the result names ${command.accountId}`
  }
  if (command.amountMinor !== hold.amountMinor || command.currency !== hold.currency) {
    return (
      `the hold is of ${hold.amountMinor} ${hold.currency}, ` +
      `the result says ${command.amountMinor} ${command.currency}`
    )
  }
  return null
}

function walletOf(command: Command, state: LedgerState): Account | undefined {
  const account = state.accounts.get(command.accountId)
  if (account?.kind !== 'wallet' || account.tenantId !== command.tenantId) return undefined
  return account
}

/** What speaks against moving money of this account at all. */
function refusalOf(
  command: CreditCommand | DebitCommand | HoldCommand,
  account: Account | undefined,
  state: LedgerState,
): RefusalCode | null {
  if (account === undefined) return 'ACCOUNT_NOT_FOUND'
  if (isReferenceUsed(command, state)) return 'REFERENCE_ALREADY_USED'
  if (account.currency !== command.currency) return 'CURRENCY_MISMATCH'
  if (account.status !== 'open') return 'ACCOUNT_FROZEN'
  return null
}

function isReferenceUsed(command: Command, state: LedgerState): boolean {
  if (command.key.clientId === null) return false
  return state.references.has(referenceName(command.tenantId, command.kind, command.referenceId))
}

function committed(
  command: Command,
  today: string,
  postings: readonly Posting[],
  hold: Hold | null = null,
): Outcome {
  return { type: 'committed', transfer: transferOf(command, today, postings, hold), hold }
}

function refused(code: RefusalCode): Refused {
  return { type: 'refused', code, hold: null }
}

/** A payment's refusal is kept in the place of its hold. */
function refusedHold(command: HoldCommand, code: RefusalCode): Refused {
  if (command.paymentId === null) return refused(code)
  const hold = newHold(command, 'refused')
  return { type: 'refused', code, hold: { ...hold, refusedFor: reasonOf(code) } }
}

function newHold(command: HoldCommand, status: 'open' | 'refused'): Hold {
  return {
    holdId: command.transferId,
    paymentId: command.paymentId,
    accountId: command.accountId,
    tenantId: command.tenantId,
    currency: command.currency,
    amountMinor: command.amountMinor,
    remainingMinor: status === 'open' ? command.amountMinor : 0n,
    status,
    refusedFor: null,
  }
}

/** The reason that the payment's events give for a refusal (P7). */
function reasonOf(code: RefusalCode): WalletReason {
  switch (code) {
    case 'ACCOUNT_NOT_FOUND':
      return 'account_not_found'
    case 'ACCOUNT_FROZEN':
      return 'account_frozen'
    case 'CURRENCY_MISMATCH':
      return 'currency_mismatch'
    case 'INSUFFICIENT_FUNDS':
      return 'insufficient_funds'
    default:
      throw new assert.AssertionError({ message: `a payment's hold is never refused by ${code}` })
  }
}

function contradiction(cause: string): Inapplicable {
  return { type: 'inapplicable', kind: 'contradiction', cause }
}
