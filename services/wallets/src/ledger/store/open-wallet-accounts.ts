import type { Tx } from '@caudal/postgres/types.ts'
import type { OpenedAccount, WalletAccount } from '../domain/opening.ts'

/** Opens the accounts that are not there yet and returns them; others stay as they are (F4). */
export async function openWalletAccounts(
  tx: Tx,
  accounts: readonly WalletAccount[],
): Promise<OpenedAccount[]> {
  if (accounts.length === 0) return []
  const sorted = accounts.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
  const { rows } = await tx.query<{ account_id: string; opened_at: Date }>({
    name: 'open-wallet-accounts',
    text: `
      INSERT INTO accounts (account_id, tenant_id, wallet_id, user_id, currency, kind, opened_at)
      SELECT *, 'wallet', date_trunc('milliseconds', clock_timestamp())
      FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])
      ON CONFLICT (account_id) DO NOTHING
      RETURNING account_id, opened_at`,
    values: [
      sorted.map((it) => it.accountId),
      sorted.map((it) => it.tenantId),
      sorted.map((it) => it.walletId),
      sorted.map((it) => it.userId),
      sorted.map((it) => it.currency),
    ],
  })
  const named = new Map(sorted.map((it) => [it.accountId, it]))
  return rows.map((row) => {
    const { accountId, tenantId, currency, walletId, userId } = named.get(row.account_id)!
    const owner = { walletId, userId }
    const openedAt = row.opened_at
    const ofWallet = { kind: 'wallet', slot: null, psp: null, owner } as const
    return { accountId, tenantId, currency, ...ofWallet, openedAt }
  })
}
