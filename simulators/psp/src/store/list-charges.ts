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

/** The number of charges of payments up to an id, their amounts and a hash of all of them. */
export async function totalCharges(
  db: Db,
  to: string,
): Promise<{ rows: string; minor: string; hash: string }> {
  const { rows } = await db.query<{ rows: string; minor: string; hash: string }>(sql`
    SELECT count(*)::text AS rows, coalesce(sum(amount_minor), 0)::text AS minor,
      coalesce(sum(hash_record_extended(p, 0)), 0)::text AS hash
    FROM payments p WHERE verdict = 'approved' AND payment_id <= ${to}`)
  return rows[0]!
}
