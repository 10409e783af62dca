import type { Tx } from '@caudal/postgres/types.ts'
import type { WalletAccount } from '../domain/reading.ts'

/** Opens the accounts that are not there yet; the others are left as they are (F4). */
export async function openWalletAccounts(
  tx: Tx,
  accounts: readonly WalletAccount[],
): Promise<void> {
  if (accounts.length === 0) return
  const sorted = accounts.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
  await tx.query({
    name: 'open-wallet-accounts',
    text: `
      INSERT INTO accounts (account_id, tenant_id, wallet_id, user_id, currency, kind)
      SELECT *, 'wallet'
      FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])
      ON CONFLICT (account_id) DO NOTHING`,
    values: [
      sorted.map((it) => it.accountId),
      sorted.map((it) => it.tenantId),
      sorted.map((it) => it.walletId),
      sorted.map((it) => it.userId),
      sorted.map((it) => it.currency),
    ],
  })
}
