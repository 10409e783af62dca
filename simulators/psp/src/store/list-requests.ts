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

const LIST_REQUESTS = `
  SELECT request_id AS "requestId", payment_id AS "paymentId",
    destination_account_number AS "accountNumber", behaviour, delivery, received_at AS at
  FROM requests
  WHERE ($1::uuid IS NULL OR payment_id = $1)
    AND ($2::bigint IS NULL OR request_id > $2)
  ORDER BY request_id
  LIMIT $3`

/** Requests in the order in which they were logged, behind `after`; at most `limit`. */
export async function listRequests(
  db: Db,
  filter: { paymentId: string | null; after: bigint | null; limit: number },
): Promise<SeenRequest[]> {
  const { rows } = await db.query<SeenRequest>(LIST_REQUESTS, [
    filter.paymentId,
    filter.after,
    filter.limit,
  ])
  return rows
}
