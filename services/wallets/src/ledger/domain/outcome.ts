import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import type { AccountChange } from './account-change.ts'
import type { Hold } from './hold.ts'
import type { OpenedAccount } from './opening.ts'
import type { Spending } from './policy.ts'
import type { Transfer } from './transfer.ts'

/** What the ledger may refuse, by the codes of the HTTP interface. */
export type LedgerRefusalCode = Extract<
  ErrorCode,
  | 'ACCOUNT_NOT_FOUND'
  | 'ACCOUNT_CLOSED'
  | 'ACCOUNT_FROZEN'
  | 'ACCOUNT_NOT_EMPTY'
  | 'BALANCE_LIMIT_EXCEEDED'
  | 'CORRECTION_EXCEEDS_ORIGINAL'
  | 'DAILY_LIMIT_EXCEEDED'
  | 'CURRENCY_MISMATCH'
  | 'FORBIDDEN'
  | 'HOLD_NOT_OPEN'
  | 'IDEMPOTENCY_MISMATCH'
  | 'INSUFFICIENT_FUNDS'
  | 'NOT_ALLOWED_BY_POLICY'
  | 'OVERDRAFT_IN_USE'
  | 'REFERENCE_ALREADY_USED'
  | 'TRANSFER_LIMIT_EXCEEDED'
  | 'TRANSFER_NOT_BALANCED'
  | 'TRANSFER_NOT_FOUND'
>

/** The answer that was given, to be repeated byte for byte. */
export interface CommandAnswer {
  status: number
  body: string
}

/** A transfer was posted; `hold` is the hold as it stands after it. */
export interface Posted {
  type: 'posted'
  transfer: Transfer
  hold: Hold | null
  /** What its client has spent with it, in each currency that its policy limits by day. */
  spent: readonly Spending[]
}

/** An account itself was changed; no money moved. */
export interface Changed {
  type: 'changed'
  change: AccountChange
}

/** Nothing moved. The refused hold of a payment is stored, so that it stays refused. */
export interface Refused {
  type: 'refused'
  code: LedgerRefusalCode
  /** What the title of the code does not say. */
  detail: string | null
  hold: Hold | null
}

/** Every command of an atomic batch took effect. */
export interface Applied {
  type: 'applied'
  outcomes: (Posted | Changed)[]
}

/** One command of an atomic batch was refused, so nothing of the batch happened. */
export interface NotApplied {
  type: 'not_applied'
  /** Which one, from 0. */
  index: number
  code: LedgerRefusalCode
  detail: string | null
}

/** Accounts that did not exist before; none if all of them did. */
export interface Opened {
  type: 'opened'
  accounts: readonly OpenedAccount[]
}

/** What a client's command came to; a repeat gets the same answer. */
export type Final = Posted | Changed | Refused | Applied | NotApplied

/** The same command again: `answer` from an earlier batch, or `outcome` from this one. */
export type Repeated = { type: 'repeated' } & (
  | { answer: CommandAnswer; outcome: null }
  | { answer: null; outcome: Final }
)

/** The event repeats what has been done already. */
export interface Unchanged {
  type: 'unchanged'
}

/**
 * The event cannot be applied: `waiting` for one that must come before it, or `contradiction` of
 * what has happened. `cause` is for people.
 */
export interface Inapplicable {
  type: 'inapplicable'
  kind: 'waiting' | 'contradiction'
  cause: string
}

/** What became of a command. */
export type Outcome = Posted | Changed | Refused | Repeated | Unchanged | Inapplicable

/** What became of a request. */
export type RequestOutcome = Outcome | Applied | NotApplied | Opened

/** Whether the outcome is an answer, and not a repeat or an event without effect. */
export function isFinalOutcome(outcome: RequestOutcome): outcome is Final {
  switch (outcome.type) {
    case 'posted':
    case 'changed':
    case 'refused':
    case 'applied':
    case 'not_applied':
      return true
    case 'repeated':
    case 'unchanged':
    case 'inapplicable':
    case 'opened':
      return false
    default:
      return outcome satisfies never
  }
}

/** Whether what was asked for was done, now and not before. */
export function tookEffect(outcome: RequestOutcome): boolean {
  switch (outcome.type) {
    case 'posted':
    case 'changed':
    case 'applied':
    case 'opened':
      return true
    default:
      return false
  }
}

/** Refusals that are errors of the request itself, or belong to another request. */
const NOT_KEPT: ReadonlySet<LedgerRefusalCode> = new Set<LedgerRefusalCode>([
  'ACCOUNT_NOT_FOUND',
  'FORBIDDEN',
  'NOT_ALLOWED_BY_POLICY',
  'TRANSFER_NOT_FOUND',
  'IDEMPOTENCY_MISMATCH',
])

/**
 * Whether the outcome binds its key: a success and a business refusal do; what is not there is an
 * error of the request and a mismatch belongs to another request, so the key stays free. That an
 * atomic batch was not done is a refusal of its own, whatever a command of it was refused for.
 */
export function isKept(outcome: Final): boolean {
  return outcome.type !== 'refused' || !NOT_KEPT.has(outcome.code)
}
