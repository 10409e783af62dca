import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, raw, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Spending } from '../domain/policy.ts'
import { LEDGER_MOVED } from './save-decision.ts'

/** Writes what clients have spent; their rows are locked. Nothing is sent for none. */
export async function saveSpending(tx: Tx, spending: readonly Spending[]): Promise<void> {
  if (spending.length === 0) return
  const statement = sql`
    WITH changed AS (
      UPDATE client_spending s SET day = c.day::date, spent_minor = c.spent_minor::numeric
      FROM unnest(
        ${textArray(spending, (it) => it.tenantId)}::text[],
        ${textArray(spending, (it) => it.clientId)}::text[],
        ${textArray(spending, (it) => it.currency)}::text[],
        ${textArray(spending, (it) => it.day)}::text[],
        ${textArray(spending, (it) => `${it.spentMinor}`)}::text[]
      ) AS c(tenant_id, client_id, currency, day, spent_minor)
      CROSS JOIN LATERAL (
        SELECT ctid AS place FROM client_spending i
        WHERE i.tenant_id = c.tenant_id AND i.client_id = c.client_id AND i.currency = c.currency
        LIMIT 1
      ) AS found
      WHERE s.ctid = found.place
      RETURNING 1
    )
    SELECT require_that((SELECT count(*) FROM changed) = ${spending.length}::bigint,
      '${raw(LEDGER_MOVED)}', 'what a client has spent is not as it was locked')`
  await tx.query(named('save-spending', statement))
}
