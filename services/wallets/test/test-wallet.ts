import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'

export const TENANT = 'caudal'

/** A wallet with one account that is looked at. */
export interface TestWallet {
  userId: string
  walletId: string
  accountId: string
  currency: string
}

export function newWallet(currency = 'USD', userId = newId()): TestWallet {
  return {
    userId,
    walletId: walletIdOf(TENANT, userId),
    accountId: accountIdOf(TENANT, userId, currency),
    currency,
  }
}
