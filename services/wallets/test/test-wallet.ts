import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'

export const TENANT = 'caudal'

/** A wallet with one account that is looked at. */
export interface TestWallet {
  tenantId: string
  userId: string
  walletId: string
  accountId: string
  currency: string
}

export interface WalletOptions {
  currency?: string
  tenantId?: string
  userId?: string
}

export function newWallet(options: WalletOptions = {}): TestWallet {
  const { currency = 'USD', tenantId = TENANT, userId = newId() } = options
  return {
    tenantId,
    userId,
    currency,
    walletId: walletIdOf(tenantId, userId),
    accountId: accountIdOf(tenantId, userId, currency),
  }
}
