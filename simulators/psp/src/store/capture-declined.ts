import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Charge } from '@caudal/simulator-kit/http/charge-item.ts'

/** Approves a payment that was declined, now; undefined if there is none. */
export async function captureDeclined(
  tx: Tx,
  { paymentId, gatewayTransactionId }: { paymentId: string; gatewayTransactionId: string },
): Promise<Charge | undefined> {
  const { rows } = await tx.query<Charge>(sql`
    UPDATE payments
    SET verdict = 'approved', gateway_transaction_id = ${gatewayTransactionId}::uuid,
      decided_at = now()
    WHERE payment_id = ${paymentId}::uuid AND verdict = 'failed'
    RETURNING payment_id AS "paymentId", gateway_transaction_id AS "gatewayTransactionId",
      amount_minor AS "amountMinor", currency, destination_account_number AS "accountNumber",
      decided_at AS at`)
  return rows[0]
}
