import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Payment } from '../domain/payment.ts'
import { PAYMENT_COLUMNS, type PaymentRow, toPayment } from './payment-row.ts'

/** Where a page ended; the next one begins behind it. */
export interface PagePosition {
  createdAt: Date
  paymentId: string
}

/** A user's payments, newest first, `limit` at most, by keyset: no page is paid for twice. */
export async function listPayments(
  db: Db,
  owner: { tenantId: string; userId: string },
  { limit, after }: { limit: number; after: PagePosition | undefined },
): Promise<Payment[]> {
  const behind = after
    ? sql`AND (created_at, payment_id)
        < (${after.createdAt.toISOString()}::timestamptz, ${after.paymentId}::uuid)`
    : sql``
  const { rows } = await db.query<PaymentRow>(sql`
    SELECT ${PAYMENT_COLUMNS} FROM payments
    WHERE tenant_id = ${owner.tenantId} AND user_id = ${owner.userId} ${behind}
    ORDER BY created_at DESC, payment_id DESC
    LIMIT ${limit}`)
  return rows.map(toPayment)
}
