import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { ReturnedMoney, ReturnStatus } from '../domain/returned-money.ts'
import { RETURN_COLUMNS, type ReturnRow, toReturn } from './return-row.ts'

/** Which returns of a tenant; what is undefined does not count. */
export interface ReturnFilter {
  tenantId: string
  status?: ReturnStatus | undefined
  paymentId?: string | undefined
}

/** Where a page of returns ended; the next one begins behind it. */
export interface ReturnPosition {
  receivedAt: Date
  returnId: string
}

/** The returns of a tenant or of one payment of it, newest first, `limit` at most, by keyset. */
export async function listReturns(
  db: Db,
  { tenantId, status, paymentId }: ReturnFilter,
  { limit, after }: { limit: number; after: ReturnPosition | undefined },
): Promise<ReturnedMoney[]> {
  const ofPayment = paymentId === undefined ? sql`` : sql`AND payment_id = ${paymentId}`
  const withStatus = status === undefined ? sql`` : sql`AND status = ${status}`
  const behind = after
    ? sql`AND (received_at, return_id)
        < (${after.receivedAt.toISOString()}::timestamptz, ${after.returnId}::uuid)`
    : sql``
  const { rows } = await db.query<ReturnRow>(sql`
    SELECT ${RETURN_COLUMNS} FROM returns
    WHERE tenant_id = ${tenantId} ${ofPayment} ${withStatus} ${behind}
    ORDER BY received_at DESC, return_id DESC
    LIMIT ${limit}`)
  return rows.map(toReturn)
}
