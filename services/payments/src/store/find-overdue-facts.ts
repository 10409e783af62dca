import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/**
 * Payments that ended while facts waited for their end, and that are not settled: sorted, those
 * behind `after`, `limit` at most. Whatever settles them decides again under their locks.
 */
export async function findOverdueFacts(
  db: Db,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const { rows } = await db.query<{ payment_id: string }>(sql`
    SELECT payment_id FROM payments
    WHERE (keeps_facts OR late_capture = 'RECEIVED') AND payment_id > ${after}
      AND (
        status = 'COMPLETED'
        OR (status = 'FAILED' AND late_capture IS DISTINCT FROM 'RECOVERING')
      )
    ORDER BY payment_id
    LIMIT ${limit}`)
  return rows.map((row) => row.payment_id)
}
