import { sql, type Sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { isFinalStatus, type Payment, type Status } from '../domain/payment.ts'
import type { PagePosition } from './list-payments.ts'
import { PAYMENT_COLUMNS, type PaymentRow, toPayment } from './payment-row.ts'

/** Which payments of a tenant; what is undefined does not count. */
export interface PaymentFilter {
  tenantId: string
  status: Status | undefined
  userId: string | undefined
  orderId: string | undefined
  /** Requested before this time. */
  createdBefore: Date | undefined
}

/** The payments of a tenant, newest first, `limit` at most, by keyset. Each filter has an index. */
export async function listTenantPayments(
  db: Db,
  filter: PaymentFilter,
  { limit, after }: { limit: number; after: PagePosition | undefined },
): Promise<Payment[]> {
  const { tenantId, status, userId, createdBefore } = filter
  const ofUser = userId === undefined ? sql`` : sql`AND user_id = ${userId}`
  const before = createdBefore
    ? sql`AND created_at < ${createdBefore.toISOString()}::timestamptz`
    : sql``
  const behind = after
    ? sql`AND (created_at, payment_id)
        < (${after.createdAt.toISOString()}::timestamptz, ${after.paymentId}::uuid)`
    : sql``
  const { rows } = await db.query<PaymentRow>(sql`
    SELECT ${PAYMENT_COLUMNS} FROM ${source(filter)}
    WHERE tenant_id = ${tenantId} ${ofUser} ${withStatus(status)} ${before} ${behind}
    ORDER BY created_at DESC, payment_id DESC
    LIMIT ${limit}`)
  return rows.map(toPayment)
}

/** An order has one payment that did not fail, and others: two indexes know them. */
function source({ tenantId, orderId }: PaymentFilter): Sql {
  if (orderId === undefined) return sql`payments`
  const ofOrder = sql`external_order_id = ${orderId} AND tenant_id = ${tenantId}`
  return sql`(SELECT * FROM payments WHERE ${ofOrder} AND NOT order_freed
      UNION ALL SELECT * FROM payments WHERE ${ofOrder} AND order_freed) AS payments`
}

/** With what the indexes of payments that failed, or that are under way, are about. */
function withStatus(status: Status | undefined): Sql {
  if (status === undefined) return sql``
  const isIt = sql`AND status = ${status}`
  if (status === 'FAILED') return sql`${isIt} AND order_freed`
  return isFinalStatus(status) ? isIt : sql`${isIt} AND finalized_at IS NULL`
}
