import type { AccountKind, Balance } from './account.ts'
import type { Hold } from './hold.ts'

/** An account of a user's wallet that is to exist. */
export interface WalletAccount {
  accountId: string
  tenantId: string
  walletId: string
  userId: string
  currency: string
}

/** An account that has just been opened, with nothing in it. */
export interface OpenedAccount {
  accountId: string
  tenantId: string
  currency: string
  kind: AccountKind
  /** Of an account of the system. */
  stripe: number | null
  /** Of a wallet's account. */
  owner: { walletId: string; userId: string } | null
  openedAt: Date
}

/** Balances of one account of a wallet, as they are shown. */
export interface WalletBalance {
  accountId: string
  currency: string
  availableMinor: bigint
  heldMinor: bigint
}

/** A place in the history of an account: entries are in the order of versions, then lines. */
export interface EntryPosition {
  version: number
  line: number
}

/** An entry of an account with what is shown of its transfer. */
export interface ListedEntry extends EntryPosition {
  transferId: string
  kind: string
  balance: Balance
  amountMinor: bigint
  balanceAfterMinor: bigint
  paymentId: string | null
  bookedAt: Date
}

/** A hold with its times. */
export interface HoldHistory extends Hold {
  createdAt: Date
  changedAt: Date
}
