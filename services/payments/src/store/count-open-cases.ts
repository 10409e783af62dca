import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** How many cases of each reason are not resolved; asked at each scrape. */
export async function countOpenCases(db: Db): Promise<Map<string, number>> {
  const { rows } = await db.query<{ reason: string; count: bigint }>(sql`
    SELECT reason, count(*) AS count FROM cases WHERE status <> 'RESOLVED' GROUP BY reason`)
  return new Map(rows.map((row) => [row.reason, Number(row.count)]))
}
