import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** An approved payment: money that moved. */
export interface Charge {
  paymentId: string
  gatewayTransactionId: string
  amountMinor: bigint
  currency: string
  accountNumber: string
  at: Date
}

/** Lists at most `limit` charges by payment id, after the id `after`. */
export async function listCharges(
  db: Db,
  filter: { paymentId: string | null; after: string | null; limit: number },
): Promise<Charge[]> {
  const { rows } = await db.query<Charge>(sql`
    SELECT payment_id AS "paymentId", gateway_transaction_id AS "gatewayTransactionId",
      amount_minor AS "amountMinor", currency, destination_account_number AS "accountNumber",
      decided_at AS at
    FROM payments
    WHERE verdict = 'approved'
      AND (${filter.paymentId}::uuid IS NULL OR payment_id = ${filter.paymentId})
      AND (${filter.after}::uuid IS NULL OR payment_id > ${filter.after})
    ORDER BY payment_id
    LIMIT ${filter.limit}`)
  return rows
}
