import type { Db } from '@caudal/postgres/types.ts'
import type { Payment } from '../domain/payment.ts'
import { PAYMENT_COLUMNS, type PaymentRow, toPayment } from './payment-row.ts'

/** The payment of the tenant, and of the user if one is given; undefined when there is none. */
export async function findPayment(
  db: Db,
  owner: { tenantId: string; userId?: string },
  paymentId: string,
): Promise<Payment | undefined> {
  const { rows } = await db.query<PaymentRow>({
    text: `
      SELECT ${PAYMENT_COLUMNS} FROM payments
      WHERE payment_id = $1 AND tenant_id = $2 AND ($3::uuid IS NULL OR user_id = $3)`,
    values: [paymentId, owner.tenantId, owner.userId ?? null],
  })
  return rows[0] && toPayment(rows[0])
}
