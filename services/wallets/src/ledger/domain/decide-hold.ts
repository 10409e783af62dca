import assert from 'node:assert/strict'
import type { WalletReason } from '@caudal/contracts/reasons.ts'
import { canHold } from './account.ts'
import { type HoldCommand, paymentOf } from './command.ts'
import type { Conditions } from './conditions.ts'
import type { Hold } from './hold.ts'
import { findHold, type LedgerState } from './ledger-state.ts'
import type { Outcome, LedgerRefusalCode, Refused } from './outcome.ts'
import { posted } from './post.ts'
import { refusalOf, refusalOfSpending, refused, walletOf } from './refuse.ts'

const MS_PER_SECOND = 1000

/** Money is set aside, for a payment or for a client. */
export function decideHold(command: HoldCommand, state: LedgerState, at: Conditions): Outcome {
  const earlier = findHold(state, command)
  if (earlier !== undefined) return holdAgain(command, earlier)
  const account = walletOf(command, state)
  if (account === undefined) return refusedHold(command, 'ACCOUNT_NOT_FOUND')
  const refusal = refusalOf(command, account, state)
  if (refusal !== null) return refusedHold(command, refusal)
  const { amountMinor } = command
  const spending = refusalOfSpending(command, account, amountMinor)
  if (spending !== null) return refusedHold(command, spending.code, spending.detail)
  if (!canHold(account, amountMinor)) return refusedHold(command, 'BALANCE_LIMIT_EXCEEDED')
  return posted(command, at, {
    postings: [
      { account, balance: 'available', amountMinor: -amountMinor },
      { account, balance: 'held', amountMinor },
    ],
    hold: newHold(command, 'open', at),
  })
}

/** One hold a payment, for ever: the same request again changes nothing (rule 4). */
function holdAgain(command: HoldCommand, hold: Hold): Outcome {
  const same =
    hold.accountId === command.accountId &&
    hold.tenantId === command.tenantId &&
    hold.currency === command.currency &&
    hold.amountMinor === command.amountMinor
  if (same) return { type: 'unchanged' }
  const cause =
    `the payment's hold is of ${hold.amountMinor} ${hold.currency} on account ${hold.accountId}, ` +
    `the request is for ${command.amountMinor} ${command.currency} on ${command.accountId}`
  return { type: 'inapplicable', kind: 'contradiction', cause }
}

/** A refusal of a payment is stored in place of its hold. */
function refusedHold(
  command: HoldCommand,
  code: LedgerRefusalCode,
  detail: string | null = null,
): Refused {
  if (paymentOf(command) === null) return refused(code, detail)
  const hold = newHold(command, 'refused', null)
  return { ...refused(code), hold: { ...hold, refusedFor: reasonOf(code) } }
}

function newHold(command: HoldCommand, status: 'open' | 'refused', at: Conditions | null): Hold {
  const { expiresInSeconds } = command
  const paymentId = paymentOf(command)
  assert(paymentId === null || expiresInSeconds === null, "a payment's hold never expires")
  return {
    holdId: command.transferId,
    paymentId,
    clientId: command.key.clientId,
    accountId: command.accountId,
    tenantId: command.tenantId,
    currency: command.currency,
    amountMinor: command.amountMinor,
    remainingMinor: status === 'open' ? command.amountMinor : 0n,
    status,
    refusedFor: null,
    expiresAtMs:
      expiresInSeconds === null || at === null ? null : at.nowMs + expiresInSeconds * MS_PER_SECOND,
  }
}

/** The reason that the payment's events give for a refusal (P7): the nearest of their list. */
function reasonOf(code: LedgerRefusalCode): WalletReason {
  switch (code) {
    case 'ACCOUNT_NOT_FOUND':
      return 'account_not_found'
    case 'ACCOUNT_FROZEN':
    case 'ACCOUNT_CLOSED':
      return 'account_frozen'
    case 'CURRENCY_MISMATCH':
      return 'currency_mismatch'
    case 'INSUFFICIENT_FUNDS':
    case 'BALANCE_LIMIT_EXCEEDED':
      return 'insufficient_funds'
    default:
      throw new assert.AssertionError({ message: `a payment's hold is never refused by ${code}` })
  }
}
