import type { Db } from '@caudal/postgres/types.ts'
import { LISTED } from './findings.ts'

/** Payments of one kind that are not final: how many, and the oldest of them. */
export type OpenPayments = {
  count: number
  oldest_seconds: number
  /** The ids of the oldest ones, oldest first. */
  payment_ids: string[]
}

/** Payments that are not final: no violation, but an operator looks at old ones. */
export type Open = { in_doubt: OpenPayments; unfinished: OpenPayments }

/** Counts the payments in doubt and those that are under way or stuck, with their ages. */
export async function readOpenPayments(payments: Db): Promise<Open> {
  const read = async (condition: string, since: string): Promise<OpenPayments> => {
    const { rows } = await payments.query<Omit<OpenPayments, 'count'> & { count: bigint }>(
      `SELECT count(*) AS count,
         coalesce(greatest(extract(epoch FROM now() - min(${since})), 0), 0)::integer
           AS oldest_seconds,
         ARRAY(SELECT payment_id::text FROM payments
           WHERE finalized_at IS NULL AND ${condition}
           ORDER BY ${since}, payment_id LIMIT ${LISTED}) AS payment_ids
       FROM payments WHERE finalized_at IS NULL AND ${condition}`,
    )
    const found = rows[0]!
    return { ...found, count: Number(found.count) }
  }
  return {
    in_doubt: await read(`status = 'IN_DOUBT'`, 'coalesce(in_doubt_at, created_at)'),
    unfinished: await read(`status IN ('PENDING', 'RESERVED')`, 'created_at'),
  }
}
