import type { AccountKind, AccountStatus, Balance } from '../ledger/domain/account.ts'
import type { CorrectionMark } from '../ledger/domain/correction.ts'
import type { HoldStatus } from '../ledger/domain/hold.ts'
import type { EntryPosition } from '../ledger/domain/transfer.ts'

/** The two balances of an account at some point of its history. */
export interface Balances {
  availableMinor: bigint
  heldMinor: bigint
}

/** An account as internal clients see it. */
export interface AccountDetails extends Balances {
  accountId: string
  tenantId: string
  kind: AccountKind
  status: AccountStatus
  currency: string
  walletId: string | null
  userId: string | null
  /** Of a system account: which of its slots this is. */
  slot: number | null
  /** Of a settlement account. */
  psp: string | null
  /** How far below zero it may go; null for no limit. */
  overdraftLimitMinor: bigint | null
  version: number
  openedAt: Date
  /** The database's time of the reading. */
  readAt: Date
}

/** A system account: its slots summed up (rule 7). */
export interface SystemAccountTotal extends Balances {
  kind: AccountKind
  /** Of a settlement account. */
  psp: string | null
  currency: string
  slots: number
}

/** Which system account a page of them ended with. */
export type SystemAccountPosition = Pick<SystemAccountTotal, 'currency' | 'psp'> & { kind: string }

/**
 * A point in the books. By booking: what was booked before an instant. By value: what has a value
 * date up to the end of a day, `YYYY-MM-DD`, whenever it was booked.
 */
export type AsOf = { by: 'booking'; before: Date } | { by: 'value'; day: string }

/** Where the history that is kept begins (detached months); null while it is whole. */
export interface KeptHistory {
  from: Date
  /** Balances by value date are known from the end of this day on. */
  valueDay: string
}

/** The same for an account: behind this version its entries are in the books. */
export interface AccountHistory extends KeptHistory {
  version: number
}

/** The history of that time has been detached: there is no answer. */
export interface Detached {
  type: 'detached'
  kept: KeptHistory
}

/** An entry with what a statement shows of its transfer. */
export interface StatementEntry extends EntryPosition {
  transferId: string
  kind: string
  referenceId: string
  reason: string
  paymentId: string | null
  holdId: string | null
  balance: Balance
  amountMinor: bigint
  valueDate: string
  bookedAt: Date
}

/** A line of a statement: the entry and the balance it changed, in the order of the statement. */
export interface StatementLine extends StatementEntry {
  beforeMinor: bigint
  afterMinor: bigint
}

/**
 * A place in a statement: behind which entry. By value the entries of another day than that of
 * their booking are a list of their own, with a place of its own.
 */
export interface StatementPosition extends EntryPosition {
  otherDay: (EntryPosition & { valueDate: string }) | null
  /** The account's version at the first page: all pages are of that state of the books. */
  lastVersion: number
}

/** What a statement covers: from inclusive; `to` exclusive by booking, inclusive by value. */
export type StatementRange =
  | { by: 'booking'; from: Date | null; to: Date | null }
  | { by: 'value'; from: string | null; to: string | null }

/** A page of a statement. */
export interface Statement {
  type: 'statement'
  opening: Balances
  lines: StatementLine[]
  closing: Balances
  /** Where the next page begins; null behind the last. */
  next: StatementPosition | null
}

/** A hold as internal clients see it. */
export interface HoldDetails {
  /** What it is found by: its payment, or its own id where there is none. */
  holdKey: string
  holdId: string
  paymentId: string | null
  accountId: string
  currency: string
  amountMinor: bigint
  remainingMinor: bigint
  status: HoldStatus
  refusedFor: string | null
  createdAt: Date
  changedAt: Date
  expiresAt: Date | null
}

/** Which hold a page of them ended with. */
export type HoldPosition = Pick<HoldDetails, 'createdAt' | 'holdKey'>

/** A transfer without its entries. */
export interface TransferSummary {
  transferId: string
  kind: string
  referenceId: string
  reason: string
  clientId: string | null
  accountId: string
  amountMinor: bigint
  currency: string
  paymentId: string | null
  holdId: string | null
  valueDate: string
  bookedAt: Date
  correctsId: string | null
}

/** A transfer with its entries. */
export interface TransferDetails {
  transferId: string
  kind: string
  referenceId: string
  reason: string
  clientId: string | null
  paymentId: string | null
  holdId: string | null
  valueDate: string
  bookedAt: Date
  /** The transfer that it corrects. */
  correctsId: string | null
  /** How it was bounded as a correction; null of a correction of release 0.1.0 too. */
  correction: CorrectionMark | null
  /** The version of its client's policy that permitted it. */
  policyVersion: string | null
  correctedBy: string[]
  entries: TransferEntry[]
}

export interface TransferEntry extends EntryPosition {
  accountId: string
  accountKind: AccountKind
  currency: string
  balance: Balance
  amountMinor: bigint
  balanceAfterMinor: bigint
}

/** One class of accounts of a trial balance. */
export interface TrialBalanceRow extends Balances {
  currency: string
  kind: AccountKind
  /** A system account is one, however many slots it has; each PSP's settlement account is one. */
  accounts: number
  /** What the accounts below zero owe, and what the others have: both at least 0. */
  debitMinor: bigint
  creditMinor: bigint
}
