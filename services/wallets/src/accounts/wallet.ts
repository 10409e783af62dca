import type { Balance } from '../ledger/domain/account.ts'
import type { EntryPosition } from '../ledger/domain/transfer.ts'

/** Balances of one account of a wallet, as they are shown. */
export interface WalletBalance {
  accountId: string
  currency: string
  availableMinor: bigint
  heldMinor: bigint
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
