import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** A payment request that the simulator received. */
export interface ReceivedRequest {
  requestId: bigint
  paymentId: string
  accountNumber: string
  behaviour: string
  delivery: string
  at: Date
}

/** Lists at most `limit` payment requests in the order they were stored, after the id `after`. */
export async function listRequests(
  db: Db,
  filter: { paymentId: string | null; after: bigint | null; limit: number },
): Promise<ReceivedRequest[]> {
  const { rows } = await db.query<ReceivedRequest>(sql`
    SELECT request_id AS "requestId", payment_id AS "paymentId",
      destination_account_number AS "accountNumber", behaviour, delivery, received_at AS at
    FROM requests
    WHERE (${filter.paymentId}::uuid IS NULL OR payment_id = ${filter.paymentId})
      AND (${filter.after}::bigint IS NULL OR request_id > ${filter.after})
    ORDER BY request_id
    LIMIT ${filter.limit}`)
  return rows
}
