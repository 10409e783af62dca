import type { Db } from '@caudal/postgres/types.ts'
import type { WalletBalance } from '../wallet.ts'

/** The accounts of a wallet, by currency; none if there is no such wallet. */
export async function findBalances(db: Db, walletId: string): Promise<WalletBalance[]> {
  const { rows } = await db.query<{
    account_id: string
    currency: string
    available_minor: string
    held_minor: string
  }>({
    name: 'find-balances',
    text: `SELECT account_id, currency, available_minor, held_minor FROM accounts
           WHERE wallet_id = $1 ORDER BY currency`,
    values: [walletId],
  })
  return rows.map((row) => ({
    accountId: row.account_id,
    currency: row.currency,
    availableMinor: BigInt(row.available_minor),
    heldMinor: BigInt(row.held_minor),
  }))
}
