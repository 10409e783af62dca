import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { textArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { OPERATIONS, PAYMENTS } from './operation-tables.ts'

/** How many operations have not ended at a PSP. */
export type Stranded = { psp: string; count: number }

/** Counts operations that have not ended and that no PSP of these takes. */
export async function findStranded(db: Db, psps: readonly string[]): Promise<Stranded[]> {
  const configured = sql`${textArray(psps, (psp) => psp)}::text[]`
  const of = ({ rows }: typeof PAYMENTS) => sql`
    SELECT psp FROM ${rows}
    WHERE step IS NOT NULL AND coalesce(psp, ${DEFAULT_PSP}) <> ALL(${configured})
      AND (psp IS NOT NULL OR attempt_number > 0)`
  const { rows } = await db.query<Stranded>(sql`
    SELECT coalesce(psp, ${DEFAULT_PSP}) AS psp, count(*)::int AS count
    FROM (${of(PAYMENTS)} UNION ALL ${of(OPERATIONS)}) AS stranded
    GROUP BY 1 ORDER BY 1`)
  return rows
}
