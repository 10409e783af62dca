import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type AccountKind, settlementPsp } from '../../ledger/domain/account.ts'
import type { SystemAccountPosition, SystemAccountTotal } from '../history.ts'

/** The tenant's system accounts by kind, currency and PSP, each the sum of its slots (rule 7). */
export async function listSystemAccounts(
  db: Db,
  query: {
    tenantId: string
    after: SystemAccountPosition | null
    limit: number
  },
): Promise<SystemAccountTotal[]> {
  const { tenantId, after, limit } = query
  const { rows } = await db.query<{
    kind: AccountKind
    currency: string
    psp: string | null
    available_minor: string
    held_minor: string
    slots: bigint
  }>({
    name: 'list-system-accounts',
    // The default PSP has no name in the rows, and comes first.
    text: `SELECT kind, currency, psp, sum(available_minor) AS available_minor,
             sum(held_minor) AS held_minor, count(*) AS slots
           FROM accounts
           WHERE tenant_id = $1 AND kind <> 'wallet'
             AND (kind, currency, coalesce(psp, '') COLLATE "C") > ($2, $3, $4)
           GROUP BY kind, currency, psp
           ORDER BY kind, currency, coalesce(psp, '') COLLATE "C" LIMIT $5`,
    values: [tenantId, after?.kind ?? '', after?.currency ?? '', pspAfter(after), limit],
  })
  return rows.map((row) => ({
    kind: row.kind,
    psp: settlementPsp(row.kind, row.psp),
    currency: row.currency,
    availableMinor: BigInt(row.available_minor),
    heldMinor: BigInt(row.held_minor),
    slots: Number(row.slots),
  }))
}

function pspAfter(after: SystemAccountPosition | null): string {
  const psp = after?.psp ?? DEFAULT_PSP
  return psp === DEFAULT_PSP ? '' : psp
}
