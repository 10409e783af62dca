import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/**
 * Lets failed payments occupy their orders again, and returns those that do: the order was free.
 * The unique index decides, also against a payment that is being accepted; it waits for that one.
 */
export async function occupyOrdersAgain(
  tx: Tx,
  paymentIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await tx.query<{ payment_id: string }>(sql`
    SELECT payment_id
    FROM occupy_orders_again(${uuidArray(paymentIds, (paymentId) => paymentId)}::uuid[])
      AS payment_id`)
  return new Set(rows.map((row) => row.payment_id))
}
