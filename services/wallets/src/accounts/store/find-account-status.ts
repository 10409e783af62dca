import type { Tx } from '@caudal/postgres/types.ts'
import type { AccountStatus } from '../../ledger/domain/account.ts'

/** How an account stands that is known to exist. */
export async function findAccountStatus(tx: Tx, accountId: string): Promise<AccountStatus> {
  const { rows } = await tx.query<{ status: AccountStatus }>(
    'SELECT status FROM accounts WHERE account_id = $1',
    [accountId],
  )
  return rows[0]!.status
}
