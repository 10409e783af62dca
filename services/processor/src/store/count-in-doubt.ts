import type { Db } from '@caudal/postgres/types.ts'

/** How many payments are in doubt, and since when. */
export type Doubts = { count: number; oldestSeconds: number }

const COUNT = `
  SELECT count(*)::int AS count,
    coalesce(extract(epoch FROM statement_timestamp() - min(in_doubt_at)), 0)::float8 AS seconds
  FROM payments WHERE status = 'IN_DOUBT'`

/** For the metrics: how many payments are in doubt, and for how long. */
export async function countInDoubt(db: Db): Promise<Doubts> {
  const { rows } = await db.query<{ count: number; seconds: number }>(COUNT)
  return { count: rows[0]?.count ?? 0, oldestSeconds: rows[0]?.seconds ?? 0 }
}
