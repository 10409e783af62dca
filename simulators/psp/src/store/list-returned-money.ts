import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type {
  ReturnedMoney,
  ReturnedPosition,
} from '@caudal/simulator-kit/http/returned-money-route.ts'

/**
 * Lists at most `limit` movements of money that came back, by payment and in the order of the
 * decisions. A refund that the bank took back moved none: it is a reversal.
 */
export async function listReturnedMoney(
  db: Db,
  { after, limit }: { after: ReturnedPosition | null; limit: number },
): Promise<ReturnedMoney[]> {
  const { paymentId = null, sequence = null } = after ?? {}
  const { rows } = await db.query<ReturnedMoney>(sql`
    SELECT m.sequence, m.payment_id AS "paymentId", m.amount_minor AS "amountMinor", m.currency,
      CASE WHEN m.reversed_at IS NULL THEN m.kind ELSE 'reversal' END AS kind,
      CASE WHEN m.reversed_at IS NULL THEN m.movement_id ELSE m.gateway_movement_id END
        AS "movementId",
      CASE WHEN m.reversed_at IS NOT NULL THEN m.movement_id END AS "refundId",
      m.gateway_movement_id AS "gatewayId", p.gateway_transaction_id AS "chargeId",
      coalesce(m.reversed_at, m.decided_at) AS at
    FROM movements AS m LEFT JOIN payments AS p USING (payment_id)
    WHERE m.verdict = 'approved'
      AND (${paymentId}::uuid IS NULL
        OR (m.payment_id, m.sequence) > (${paymentId}::uuid, ${sequence}::bigint))
    ORDER BY m.payment_id, m.sequence
    LIMIT ${limit}`)
  return rows
}
