import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type {
  Movement,
  MovementFilter,
  MovementKind,
} from '@caudal/simulator-kit/http/movement-routes.ts'

/**
 * Lists at most `limit` movements of money, in the order of their decisions. A refund that the bank
 * took back moved none: it is a reversal.
 */
export async function listMovements(
  db: Db,
  kind: MovementKind,
  { paymentId, after, limit }: MovementFilter,
): Promise<Movement[]> {
  const ofKind =
    kind === 'reversal'
      ? sql`(kind = 'reversal' OR kind = 'refund' AND reversed_at IS NOT NULL)`
      : sql`kind = ${kind} AND reversed_at IS NULL`
  const { rows } = await db.query<Movement>(sql`
    SELECT sequence, payment_id AS "paymentId", amount_minor AS "amountMinor", currency, reason,
      CASE WHEN reversed_at IS NULL THEN movement_id ELSE gateway_movement_id END AS "movementId",
      CASE WHEN reversed_at IS NOT NULL THEN movement_id END AS "refundId",
      coalesce(reversed_at, decided_at) AS at
    FROM movements
    WHERE verdict = 'approved' AND ${ofKind}
      AND (${paymentId}::uuid IS NULL OR payment_id = ${paymentId})
      AND (${after}::bigint IS NULL OR sequence > ${after})
    ORDER BY sequence
    LIMIT ${limit}`)
  return rows
}
