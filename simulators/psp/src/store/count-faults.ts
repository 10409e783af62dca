import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { faultCounter } from '@caudal/simulator-kit/plan-batch.ts'

/** How many requests each behaviour has failed for these payments, by `faultCounter`. */
export async function countFaults(
  db: Db,
  paymentIds: readonly string[],
): Promise<Map<string, number>> {
  if (paymentIds.length === 0) return new Map()
  const statement = sql`
    SELECT payment_id, behaviour, count(*)::integer AS faults
    FROM requests
    WHERE payment_id = ANY (${paymentIds}::uuid[]) AND delivery IN ('error_500', 'rate_limit')
    GROUP BY payment_id, behaviour`
  const { rows } = await db.query<{ payment_id: string; behaviour: string; faults: number }>(
    named('count-faults', statement),
  )
  return new Map(rows.map((row) => [faultCounter(row.payment_id, row.behaviour), row.faults]))
}
