import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { accountIdOf, walletIdOf } from '@caudal/contracts/ids.ts'
import { isCurrency } from '@caudal/money/currencies.ts'
import type { WalletAccount } from '../ledger/domain/opening.ts'

/** The accounts that a new user gets, or why the event is wrong: a text for people. */
export function readUserCreated(
  event: UserCreated,
): { accounts: WalletAccount[] } | { cause: string } {
  const { tenant_id: tenantId, user_id: userId, wallet_id: walletId } = event
  if (walletId !== walletIdOf(tenantId, userId)) {
    return { cause: `user.created: ${walletId} is not the wallet of user ${userId}` }
  }
  const accounts: WalletAccount[] = []
  for (const { account_id: accountId, currency } of event.accounts) {
    // The id is a function of the three, so that no service needs to ask for it (rule 3).
    if (!isCurrency(currency) || accountId !== accountIdOf(tenantId, userId, currency)) {
      return { cause: `user.created: ${accountId} is not the ${currency} account of ${userId}` }
    }
    accounts.push({ accountId, tenantId, walletId, userId, currency })
  }
  return { accounts }
}
