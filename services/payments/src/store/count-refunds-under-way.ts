import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { RefundStatus } from '../domain/refund.ts'

/** The refunds of one status that have not ended. */
export interface RefundsUnderWay {
  status: RefundStatus
  count: number
  /** Age of the oldest, by the database's clock. */
  oldestSeconds: number
}

/** How many refunds are under way by status, and how old the oldest is; asked at each scrape. */
export async function countRefundsUnderWay(db: Db): Promise<RefundsUnderWay[]> {
  const { rows } = await db.query<{
    status: RefundStatus
    count: bigint
    oldest_seconds: number
  }>(sql`
    SELECT status, count(*) AS count,
      extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds
    FROM refunds WHERE credited_at IS NULL AND refused_at IS NULL
    GROUP BY status`)
  return rows.map((row) => ({
    status: row.status,
    count: Number(row.count),
    oldestSeconds: row.oldest_seconds,
  }))
}
