import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type {
  ReturnedMoney,
  ReturnedPosition,
} from '@caudal/simulator-kit/http/returned-money-route.ts'

/**
 * Lists at most `limit` movements of money that came back, by payment and in the order of
 * acceptance. A refund that the bank took back moved none: it is a reversal.
 */
export async function listReturnedMoney(
  db: Db,
  { after, limit }: { after: ReturnedPosition | null; limit: number },
): Promise<ReturnedMoney[]> {
  const { paymentId = null, sequence = null } = after ?? {}
  const { rows } = await db.query<ReturnedMoney>(sql`
    SELECT sequence, "paymentId", "movementId", kind, "amountMinor", currency, "refundId",
      "gatewayId", "chargeId", at
    FROM (
      SELECT t.sequence, coalesce(original.ref, t.ref) AS "paymentId", t.ref AS "movementId",
        CASE WHEN t.state = 'reversed' THEN 'reversal' ELSE t.kind END AS kind,
        t.amount_minor AS "amountMinor", t.currency,
        CASE WHEN t.kind = 'refund' AND t.state = 'reversed' THEN t.ref END AS "refundId",
        t.transfer_id AS "gatewayId", coalesce(t.original_id, t.transfer_id) AS "chargeId",
        t.final_at AS at
      FROM transfers AS t
      LEFT JOIN transfers AS original ON original.transfer_id = t.original_id
      WHERE t.state = 'reversed' OR t.kind <> 'pay' AND t.state = 'settled'
    ) AS moved
    WHERE ${paymentId}::uuid IS NULL
      OR ("paymentId", sequence) > (${paymentId}::uuid, ${sequence}::bigint)
    ORDER BY "paymentId", sequence
    LIMIT ${limit}`)
  return rows
}
