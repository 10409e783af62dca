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
  const { rows } = await db.query<PaymentRow>({
    text: `
      SELECT ${PAYMENT_COLUMNS} FROM payments
      WHERE tenant_id = $1 AND user_id = $2
        ${after ? 'AND (created_at, payment_id) < ($4::timestamptz, $5::uuid)' : ''}
      ORDER BY created_at DESC, payment_id DESC
      LIMIT $3`,
    values: [
      owner.tenantId,
      owner.userId,
      limit,
      ...(after ? [after.createdAt.toISOString(), after.paymentId] : []),
    ],
  })
  return rows.map(toPayment)
}
