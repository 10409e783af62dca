import type { TransferKind } from '@caudal/contracts/transfer-kinds.ts'
import type { Balance } from './account.ts'
import type { CorrectionMark } from './correction.ts'
import type { PspPosting } from './psp-posting.ts'

/** One line of a transfer: a signed change of one balance of one account. */
export interface Entry {
  accountId: string
  balance: Balance
  amountMinor: bigint
  balanceAfterMinor: bigint
  /** The account's version with this transfer; both balances share it. */
  accountVersion: number
}

/** A balanced set of entries: their amounts sum to zero. Never changed afterwards (F1). */
export interface Transfer {
  transferId: string
  kind: TransferKind
  tenantId: string
  /** The account that it is about, or the first of several; the others are in the entries. */
  accountId: string
  amountMinor: bigint
  currency: string
  paymentId: string | null
  holdId: string | null
  /** The earlier transfer that it sets right. */
  correctsId: string | null
  /** How it was bounded as a correction; null of any other transfer. */
  correction: CorrectionMark | null
  /** The version of its client's policy that permitted it. */
  policyVersion: string | null
  /** What it books for a PSP; null of any other kind. */
  pspPosting: PspPosting | null
  clientId: string | null
  idempotencyKey: string
  fingerprint: string
  referenceId: string
  reason: string
  valueDate: string
  entries: Entry[]
  /** How that account stands afterwards, its untouched balance too. */
  accountAfter: { availableMinor: bigint; heldMinor: bigint; version: number }
}

/** A place in the history of an account: entries are in the order of versions, then lines. */
export interface EntryPosition {
  version: number
  line: number
}

const LINE_DIGITS = 3

/** Makes a fresh UUIDv7 the id of a transfer: its last 12 bits are left free for its entries. */
export function transferIdFrom(id: string): string {
  return id.slice(0, -LINE_DIGITS) + '0'.repeat(LINE_DIGITS)
}

/** The id of the entry at this line (from 0): a UUIDv7 that need not be stored. */
export function entryIdOf(transferId: string, line: number): string {
  return transferId.slice(0, -LINE_DIGITS) + (line + 1).toString(16).padStart(LINE_DIGITS, '0')
}
