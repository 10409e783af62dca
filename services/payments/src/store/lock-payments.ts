import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Payment } from '../domain/payment.ts'
import { PAYMENT_COLUMNS, type PaymentRow, toPayment } from './payment-row.ts'

/** What a batch is decided on. */
export interface LockedPayments {
  /** The database's time, read once all locks were held. */
  now: Date
  payments: Map<string, Payment>
}

/** Locks the payments in sorted order and loads them; an unknown one is missing from the map. */
export async function lockPayments(tx: Tx, paymentIds: readonly string[]): Promise<LockedPayments> {
  // The last row is locked last, so its time is behind every lock.
  const { rows } = await tx.query<PaymentRow & { now: Date }>(sql`
    WITH locked AS MATERIALIZED (
      SELECT ${PAYMENT_COLUMNS}
      FROM payments
      WHERE payment_id = ANY(${uuidArray(paymentIds, (paymentId) => paymentId)}::uuid[])
      ORDER BY payment_id
      FOR UPDATE
    )
    SELECT clock_timestamp() AS now, locked.* FROM locked`)
  const payments = new Map(rows.map((row) => [row.payment_id, toPayment(row)]))
  return { now: rows.at(-1)?.now ?? new Date(0), payments }
}
