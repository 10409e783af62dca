import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/** How many refunds clients were granted of each payment; one without any is missing. */
export async function countRefunds(
  tx: Tx,
  paymentIds: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ payment_id: string; count: bigint }>(sql`
    SELECT payment_id, count(*) AS count FROM refunds
    WHERE payment_id = ANY(${uuidArray(paymentIds, (paymentId) => paymentId)}::uuid[])
      AND origin = 'client'
    GROUP BY payment_id`)
  return new Map(rows.map((row) => [row.payment_id, Number(row.count)]))
}
