import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import {
  PSP_PAYMENT_COLUMNS,
  type PspPaymentRow,
  type StoredPayment,
  storedPayment,
} from './psp-payment-row.ts'

// The clock is read once, after all locks, because the subquery needs every locked row.
const LOCK = `
  WITH locked AS MATERIALIZED (
    SELECT ${PSP_PAYMENT_COLUMNS} FROM payments
    WHERE payment_id = ANY($1::uuid[])
    ORDER BY payment_id
    FOR UPDATE
  )
  SELECT locked.*, (SELECT clock_timestamp() FROM (SELECT count(*) FROM locked) AS held) AS clock
  FROM locked`

/** Locks the payments in sorted order and loads them, by id. */
export async function lockPspPayments(
  tx: Tx,
  paymentIds: readonly string[],
): Promise<Map<string, StoredPayment>> {
  const { rows } = await tx.query<PspPaymentRow & { clock: Date }>({
    name: 'lock-psp-payments',
    text: LOCK,
    values: [uuidArray(paymentIds, (id) => id)],
  })
  return new Map(rows.map((row) => [row.payment_id, storedPayment({ ...row, now: row.clock })]))
}
