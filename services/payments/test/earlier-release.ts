import type { Db } from '@caudal/postgres/types.ts'
import type { Payment } from '../src/domain/payment.ts'

/** Ends a payment as release 0.1.0 does, which knows no facts that wait for the end. */
export async function endByEarlierRelease(
  db: Db,
  { paymentId }: Payment,
  status: 'COMPLETED' | 'FAILED',
): Promise<void> {
  await db.query(
    `UPDATE payments SET status = $2, order_freed = ($2 = 'FAILED'),
       reason = CASE WHEN $2 = 'FAILED' THEN 'gateway_declined' END,
       updated_at = now(), finalized_at = now()
     WHERE payment_id = $1`,
    [paymentId, status],
  )
}
