import type { AccountKind } from './account.ts'

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
  slot: number | null
  /** Of a settlement account of another PSP than the default one. */
  psp: string | null
  /** Of a wallet's account. */
  owner: { walletId: string; userId: string } | null
  openedAt: Date
}
