import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Refund } from '../domain/refund.ts'
import { REFUND_COLUMNS, type RefundRow, toRefund } from './refund-row.ts'

/**
 * Loads the refunds by id; an unknown one is missing from the map. They need no lock of their own:
 * a refund changes only under the lock of its payment.
 */
export async function loadRefunds(
  tx: Tx,
  refundIds: readonly string[],
): Promise<Map<string, Refund>> {
  const { rows } = await tx.query<RefundRow>(sql`
    SELECT ${REFUND_COLUMNS} FROM refunds
    WHERE refund_id = ANY(${uuidArray(refundIds, (refundId) => refundId)}::uuid[])`)
  return new Map(rows.map((row) => [row.refund_id, toRefund(row)]))
}
