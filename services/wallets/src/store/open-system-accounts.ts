import type { Tx } from '@caudal/postgres/types.ts'
import type { SystemAccount } from '../domain/counterpart.ts'

/**
 * Opens system accounts that are needed for the first time. Another process may open the same: the
 * ids are sorted, and whoever comes second waits for the first.
 */
export async function openSystemAccounts(
  tx: Tx,
  accounts: readonly SystemAccount[],
): Promise<void> {
  const sorted = accounts.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
  await tx.query(
    `INSERT INTO accounts (account_id, tenant_id, kind, currency, stripe, overdraft_limit_minor)
     SELECT *, NULL FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[])
     ON CONFLICT (account_id) DO NOTHING`,
    [
      sorted.map((it) => it.accountId),
      sorted.map((it) => it.tenantId),
      sorted.map((it) => it.kind),
      sorted.map((it) => it.currency),
      sorted.map((it) => it.stripe),
    ],
  )
}
