import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type ClaimedPsp, queued, suffixOf } from './of-psp.ts'
import type { OperationTable } from './operation-tables.ts'
import { claimedStepsOf } from './stored-steps.ts'

/** How many operations are due to be sent, counted up to `most`. */
export async function countWaiting(
  db: Db,
  table: OperationTable,
  most: number,
  psp: ClaimedPsp,
): Promise<number> {
  const statement = sql`
    SELECT count(*)::int AS count FROM (
      SELECT FROM ${table.rows}
      WHERE step = ${claimedStepsOf(table, psp).send}
        AND due_at <= statement_timestamp()${queued(psp)}
      LIMIT ${most}
    ) AS waiting`
  const { rows } = await db.query<{ count: number }>(
    named(`count-waiting-${table.name}${suffixOf(psp)}`, statement),
  )
  return rows[0]?.count ?? 0
}
