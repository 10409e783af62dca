import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type ClaimedPsp, queued, suffixOf } from './of-psp.ts'
import type { OperationTable } from './operation-tables.ts'

/** How many operations are due to be sent, counted up to `most`. */
export async function countWaiting(
  db: Db,
  { name, rows: table }: OperationTable,
  most: number,
  psp: ClaimedPsp,
): Promise<number> {
  const statement = sql`
    SELECT count(*)::int AS count FROM (
      SELECT FROM ${table}
      WHERE step = 'send' AND due_at <= statement_timestamp()${queued(psp)} LIMIT ${most}
    ) AS waiting`
  const { rows } = await db.query<{ count: number }>(
    named(`count-waiting-${name}${suffixOf(psp)}`, statement),
  )
  return rows[0]?.count ?? 0
}
