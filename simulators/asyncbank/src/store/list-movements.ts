import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type {
  Movement,
  MovementFilter,
  MovementKind,
} from '@caudal/simulator-kit/http/movement-routes.ts'

const WANTED: Readonly<Record<MovementKind, Sql>> = {
  refund: sql`t.kind = 'refund' AND t.state = 'settled'`,
  void: sql`t.kind = 'void' AND t.state = 'settled'`,
  return: sql`t.kind = 'return' AND t.state = 'settled'`,
  reversal: sql`t.state = 'reversed'`,
}

/**
 * Lists at most `limit` movements of money, in the order of acceptance. A refund that the bank took
 * back moved none: it is a reversal.
 */
export async function listMovements(
  db: Db,
  kind: MovementKind,
  { paymentId, after, limit }: MovementFilter,
): Promise<Movement[]> {
  const { rows } = await db.query<Movement>(sql`
    SELECT t.sequence, t.ref AS "movementId", coalesce(original.ref, t.ref) AS "paymentId",
      t.amount_minor AS "amountMinor", t.currency, t.code AS reason, t.final_at AS at,
      CASE WHEN t.kind = 'refund' THEN t.ref END AS "refundId"
    FROM transfers AS t
    LEFT JOIN transfers AS original ON original.transfer_id = t.original_id
    WHERE ${WANTED[kind]}
      AND (${paymentId}::uuid IS NULL OR coalesce(original.ref, t.ref) = ${paymentId})
      AND (${after}::bigint IS NULL OR t.sequence > ${after})
    ORDER BY t.sequence
    LIMIT ${limit}`)
  return rows
}
