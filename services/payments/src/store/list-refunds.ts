import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Refund } from '../domain/refund.ts'
import { REFUND_COLUMNS, type RefundRow, toRefund } from './refund-row.ts'

/** Where a page of refunds ended; the next one begins behind it. */
export interface RefundPosition {
  createdAt: Date
  refundId: string
}

/** The refunds of a payment, newest first, `limit` at most, by keyset. */
export async function listRefunds(
  db: Db,
  paymentId: string,
  { limit, after }: { limit: number; after: RefundPosition | undefined },
): Promise<Refund[]> {
  const behind = after
    ? sql`AND (created_at, refund_id)
        < (${after.createdAt.toISOString()}::timestamptz, ${after.refundId}::uuid)`
    : sql``
  const { rows } = await db.query<RefundRow>(sql`
    SELECT ${REFUND_COLUMNS} FROM refunds
    WHERE payment_id = ${paymentId} ${behind}
    ORDER BY created_at DESC, refund_id DESC
    LIMIT ${limit}`)
  return rows.map(toRefund)
}
