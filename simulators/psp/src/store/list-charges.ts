import type { Db } from '@caudal/postgres/types.ts'

/** Money that moved. */
export interface Charge {
  paymentId: string
  gatewayTransactionId: string
  amountMinor: bigint
  currency: string
  accountNumber: string
  at: Date
}

const LIST_CHARGES = `
  SELECT payment_id AS "paymentId", gateway_transaction_id AS "gatewayTransactionId",
    amount_minor AS "amountMinor", currency, destination_account_number AS "accountNumber",
    decided_at AS at
  FROM payments
  WHERE verdict = 'approved'
    AND ($1::uuid IS NULL OR payment_id = $1)
    AND ($2::uuid IS NULL OR payment_id > $2)
  ORDER BY payment_id
  LIMIT $3`

/** Charges in the order of their payment ids, behind `after`; at most `limit`. */
export async function listCharges(
  db: Db,
  filter: { paymentId: string | null; after: string | null; limit: number },
): Promise<Charge[]> {
  const { rows } = await db.query<Charge>(LIST_CHARGES, [
    filter.paymentId,
    filter.after,
    filter.limit,
  ])
  return rows
}
