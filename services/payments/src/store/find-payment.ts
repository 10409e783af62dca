import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Payment } from '../domain/payment.ts'
import { PAYMENT_COLUMNS, type PaymentRow, toPayment } from './payment-row.ts'

/** The payment of the tenant, and of the user if one is given; undefined when there is none. */
export async function findPayment(
  db: Db,
  owner: { tenantId: string; userId?: string },
  paymentId: string,
): Promise<Payment | undefined> {
  const ofUser = owner.userId === undefined ? sql`` : sql`AND user_id = ${owner.userId}`
  const { rows } = await db.query<PaymentRow>(sql`
    SELECT ${PAYMENT_COLUMNS} FROM payments
    WHERE payment_id = ${paymentId} AND tenant_id = ${owner.tenantId} ${ofUser}`)
  return rows[0] && toPayment(rows[0])
}
