import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import type { Hold } from './hold.ts'
import type { Transfer } from './transfer.ts'

/** What the ledger may refuse, by the codes of the HTTP interface. */
export type RefusalCode = Extract<
  ErrorCode,
  | 'ACCOUNT_NOT_FOUND'
  | 'ACCOUNT_FROZEN'
  | 'BALANCE_LIMIT_EXCEEDED'
  | 'CURRENCY_MISMATCH'
  | 'HOLD_NOT_OPEN'
  | 'IDEMPOTENCY_MISMATCH'
  | 'INSUFFICIENT_FUNDS'
  | 'REFERENCE_ALREADY_USED'
>

/** The answer that was given, to be repeated byte for byte. */
export interface StoredAnswer {
  status: number
  body: string
}

/** A transfer was made; `hold` is the hold as it stands after it. */
export interface Committed {
  type: 'committed'
  transfer: Transfer
  hold: Hold | null
}

/** Nothing moved. A payment's refused hold is kept, so that it stays refused. */
export interface Refused {
  type: 'refused'
  code: RefusalCode
  hold: Hold | null
}

/** The same command again: `answer` from an earlier batch, or `outcome` from this one. */
export type Repeated = { type: 'repeated' } & (
  | { answer: StoredAnswer; outcome: null }
  | { answer: null; outcome: Committed | Refused }
)

/** The event says again what has been done already. */
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
export type Outcome = Committed | Refused | Repeated | Unchanged | Inapplicable

/**
 * Whether the outcome binds its key: a success and a business refusal do; an unknown account is an
 * error of the request and a mismatch belongs to another request, so the key stays free.
 */
export function isKept(outcome: Committed | Refused): boolean {
  if (outcome.type === 'committed') return true
  return outcome.code !== 'ACCOUNT_NOT_FOUND' && outcome.code !== 'IDEMPOTENCY_MISMATCH'
}
