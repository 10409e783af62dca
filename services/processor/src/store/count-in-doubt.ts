import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { OperationTable } from './operation-tables.ts'

/** How many operations are in doubt, and since when. */
export type Doubts = { count: number; oldestSeconds: number }

/** For the metrics: how many operations are in doubt, and for how long. */
export async function countInDoubt(db: Db, { name, rows: table }: OperationTable): Promise<Doubts> {
  const statement = sql`
    SELECT count(*)::int AS count,
      coalesce(extract(epoch FROM statement_timestamp() - min(in_doubt_at)), 0)::float8 AS seconds
    FROM ${table} WHERE status = 'IN_DOUBT'`
  const { rows } = await db.query<{ count: number; seconds: number }>(
    named(`count-in-doubt-of-${name}`, statement),
  )
  return { count: rows[0]?.count ?? 0, oldestSeconds: rows[0]?.seconds ?? 0 }
}
