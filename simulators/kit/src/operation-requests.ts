import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db, Reader, Tx } from '@caudal/postgres/types.ts'
import type { Operation } from './behaviour-settings.ts'
import { faultCounter } from './plan-batch.ts'

/** A request to move money, or a status query. */
export interface LoggedOperation {
  operation: Operation
  operationId: string
  /** null if the bank does not know which payment it is about. */
  paymentId: string | null
  accountNumber: string
  behaviour: string
  delivery: string
}

/** A stored request. */
export interface ReceivedOperation extends LoggedOperation {
  requestId: bigint
  at: Date
}

/** Stores requests; several in one statement. */
export async function logOperations(
  db: Db | Tx,
  requests: readonly LoggedOperation[],
): Promise<void> {
  if (requests.length === 0) return
  await db.query(sql`
    INSERT INTO operation_requests (
      operation, operation_id, payment_id, account_number, behaviour, delivery
    )
    SELECT * FROM unnest(
      ${textArray(requests, (request) => request.operation)}::text[],
      ${uuidArray(requests, (request) => request.operationId)}::uuid[],
      ${uuidArray(requests, (request) => request.paymentId)}::uuid[],
      ${textArray(requests, (request) => request.accountNumber)}::text[],
      ${textArray(requests, (request) => request.behaviour)}::text[],
      ${textArray(requests, (request) => request.delivery)}::text[]
    )`)
}

/** How many requests about these operations each behaviour has failed, by `faultCounter`. */
export async function countOperationFaults(
  db: Reader,
  kind: 'movement' | 'query',
  operationIds: readonly string[],
): Promise<Map<string, number>> {
  if (operationIds.length === 0) return new Map()
  const { rows } = await db.query<{ id: string; behaviour: string; faults: number }>(sql`
    SELECT operation_id AS id, behaviour, count(*)::integer AS faults
    FROM operation_requests
    WHERE operation_id = ANY (${uuidArray(operationIds, (id) => id)}::uuid[])
      AND (operation = 'query') = ${kind === 'query'}
      AND delivery IN ('error_500', 'rate_limit')
    GROUP BY operation_id, behaviour`)
  return new Map(rows.map((row) => [faultCounter(row.id, row.behaviour), row.faults]))
}

/** Lists at most `limit` requests of an operation in the order they were stored. */
export async function listOperationRequests(
  db: Db,
  operation: Operation,
  filter: { paymentId: string | null; after: bigint | null; limit: number },
): Promise<ReceivedOperation[]> {
  const { rows } = await db.query<ReceivedOperation>(sql`
    SELECT request_id AS "requestId", operation, operation_id AS "operationId",
      payment_id AS "paymentId", account_number AS "accountNumber", behaviour, delivery,
      received_at AS at
    FROM operation_requests
    WHERE operation = ${operation}
      AND (${filter.paymentId}::uuid IS NULL OR payment_id = ${filter.paymentId})
      AND (${filter.after}::bigint IS NULL OR request_id > ${filter.after})
    ORDER BY request_id
    LIMIT ${filter.limit}`)
  return rows
}
