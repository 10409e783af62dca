import type { Db } from '@caudal/postgres/types.ts'
import type { AccountKind } from '../../ledger/domain/account.ts'
import type { SystemAccountTotal } from '../history.ts'

/** The tenant's system accounts by kind and currency, each the sum of its slots (rule 7). */
export async function listSystemAccounts(
  db: Db,
  query: {
    tenantId: string
    after: { kind: string; currency: string } | null
    limit: number
  },
): Promise<SystemAccountTotal[]> {
  const { rows } = await db.query<{
    kind: AccountKind
    currency: string
    available_minor: string
    held_minor: string
    slots: bigint
  }>({
    name: 'list-system-accounts',
    text: `SELECT kind, currency, sum(available_minor) AS available_minor,
             sum(held_minor) AS held_minor, count(*) AS slots
           FROM accounts
           WHERE tenant_id = $1 AND kind <> 'wallet' AND (kind, currency) > ($2, $3)
           GROUP BY kind, currency ORDER BY kind, currency LIMIT $4`,
    values: [query.tenantId, query.after?.kind ?? '', query.after?.currency ?? '', query.limit],
  })
  return rows.map((row) => ({
    kind: row.kind,
    currency: row.currency,
    availableMinor: BigInt(row.available_minor),
    heldMinor: BigInt(row.held_minor),
    slots: Number(row.slots),
  }))
}
