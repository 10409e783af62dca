import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Status } from '../domain/payment.ts'

/** The payments of one status that are not final yet. */
export interface UnderWay {
  status: Status
  count: number
  /** Age of the oldest, by the database's clock. */
  oldestSeconds: number
}

/** How many payments are under way by status, and how old the oldest is; asked at each scrape. */
export async function countUnderWay(db: Db): Promise<UnderWay[]> {
  const { rows } = await db.query<{ status: Status; count: bigint; oldest_seconds: number }>(sql`
    SELECT status, count(*) AS count,
      extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds
    FROM payments WHERE finalized_at IS NULL
    GROUP BY status`)
  return rows.map((row) => ({
    status: row.status,
    count: Number(row.count),
    oldestSeconds: row.oldest_seconds,
  }))
}
