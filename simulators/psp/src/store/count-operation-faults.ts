import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import { faultCounter } from '@caudal/simulator-kit/plan-batch.ts'

/** How many requests about these operations each behaviour has failed, by `faultCounter`. */
export async function countOperationFaults(
  db: Reader,
  operation: 'movement' | 'query',
  operationIds: readonly string[],
): Promise<Map<string, number>> {
  if (operationIds.length === 0) return new Map()
  const { rows } = await db.query<{ id: string; behaviour: string; faults: number }>(sql`
    SELECT operation_id AS id, behaviour, count(*)::integer AS faults
    FROM operation_requests
    WHERE operation_id = ANY (${uuidArray(operationIds, (id) => id)}::uuid[])
      AND (operation = 'query') = ${operation === 'query'}
      AND delivery IN ('error_500', 'rate_limit')
    GROUP BY operation_id, behaviour`)
  return new Map(rows.map((row) => [faultCounter(row.id, row.behaviour), row.faults]))
}
