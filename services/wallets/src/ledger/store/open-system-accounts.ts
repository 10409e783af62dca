import type { Tx } from '@caudal/postgres/types.ts'
import type { SystemAccount } from '../domain/account.ts'
import type { OpenedAccount } from '../domain/opening.ts'

/**
 * Opens system accounts that are needed for the first time, and returns those that were not there.
 * Another process may open the same: the ids are sorted, and whoever comes second waits for the
 * first.
 */
export async function openSystemAccounts(
  tx: Tx,
  accounts: readonly SystemAccount[],
): Promise<OpenedAccount[]> {
  const sorted = accounts.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
  const { rows } = await tx.query<{ account_id: string; opened_at: Date }>(
    `INSERT INTO accounts (account_id, tenant_id, kind, currency, stripe, psp,
       overdraft_limit_minor, opened_at)
     SELECT *, NULL, date_trunc('milliseconds', clock_timestamp())
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[],
       $6::text[])
     ON CONFLICT (account_id) DO NOTHING
     RETURNING account_id, opened_at`,
    [
      sorted.map((it) => it.accountId),
      sorted.map((it) => it.tenantId),
      sorted.map((it) => it.kind),
      sorted.map((it) => it.currency),
      sorted.map((it) => it.slot),
      sorted.map((it) => it.psp),
    ],
  )
  const opened = new Map(rows.map((row) => [row.account_id, row.opened_at]))
  return sorted.flatMap((account) => {
    const openedAt = opened.get(account.accountId)
    return openedAt === undefined ? [] : [{ ...account, owner: null, openedAt }]
  })
}
