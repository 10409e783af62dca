import { sql, type Sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Payment, ShownStatus } from '../domain/payment.ts'
import type { PagePosition } from './list-payments.ts'
import { PAYMENT_COLUMNS, type PaymentRow, toPayment } from './payment-row.ts'

/** Which payments of a tenant; what is undefined does not count. */
export interface PaymentFilter {
  tenantId: string
  /** As it is shown. */
  status: ShownStatus | undefined
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

/** With what the indexes of payments that failed, are under way, or came back, are about. */
function withStatus(status: ShownStatus | undefined): Sql {
  const cameBack = sql`refunded_minor + returned_minor > 0`
  switch (status) {
    case undefined:
      return sql``
    case 'RETURNED':
      return sql`AND ${cameBack} AND returned_minor > 0`
    case 'REFUNDED':
      return sql`AND ${cameBack} AND returned_minor = 0 AND refunded_minor = amount_minor`
    case 'PARTIALLY_REFUNDED':
      return sql`AND ${cameBack} AND returned_minor = 0 AND refunded_minor < amount_minor`
    case 'COMPLETED':
      return sql`AND status = ${status} AND refunded_minor + returned_minor = 0`
    case 'FAILED':
      return sql`AND status = ${status} AND order_freed`
    case 'PENDING':
    case 'RESERVED':
    case 'IN_DOUBT':
      return sql`AND status = ${status} AND finalized_at IS NULL`
    default:
      return status satisfies never
  }
}
