import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Delivery } from '../domain/plan-outcome.ts'

/** A request for a payment that was seen. */
export interface SeenRequest {
  requestId: bigint
  paymentId: string
  accountNumber: string
  behaviour: string
  delivery: Delivery
  at: Date
}

/** Requests in the order in which they were logged, behind `after`; at most `limit`. */
export async function listRequests(
  db: Db,
  filter: { paymentId: string | null; after: bigint | null; limit: number },
): Promise<SeenRequest[]> {
  const { rows } = await db.query<SeenRequest>(sql`
    SELECT request_id AS "requestId", payment_id AS "paymentId",
      destination_account_number AS "accountNumber", behaviour, delivery, received_at AS at
    FROM requests
    WHERE (${filter.paymentId}::uuid IS NULL OR payment_id = ${filter.paymentId})
      AND (${filter.after}::bigint IS NULL OR request_id > ${filter.after})
    ORDER BY request_id
    LIMIT ${filter.limit}`)
  return rows
}
