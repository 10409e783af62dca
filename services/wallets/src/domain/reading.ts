import type { Balance } from './account.ts'
import type { Hold } from './hold.ts'

/** An account of a user's wallet that is to exist. */
export interface WalletAccount {
  accountId: string
  tenantId: string
  walletId: string
  userId: string
  currency: string
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
