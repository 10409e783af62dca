import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Movement, MovementFilter, MovementKind } from '../http/movement-routes.ts'
import type { ReturnedMoney, ReturnedPosition } from '../http/returned-money-route.ts'

/**
 * A query of a bank's books: the money of this kind that came back, or all of it, in columns that
 * have the names of `Movement` and `ReturnedMoney`. A refund that the bank took back moved none: it
 * is a reversal.
 */
export type MovedMoney = (kind: MovementKind | 'all') => Sql

/** Where a bank keeps the money that came back. */
export interface ReturnedBooks {
  db: Db
  movedMoney: MovedMoney
}

/** Lists at most `limit` movements of a kind, in the order of the bank's decisions. */
export async function listMovements(
  { db, movedMoney }: ReturnedBooks,
  kind: MovementKind,
  { paymentId, after, limit }: MovementFilter,
): Promise<Movement[]> {
  const { rows } = await db.query<Movement>(sql`
    SELECT sequence, "movementId", "paymentId", "refundId", "amountMinor", currency, reason, at
    FROM (${movedMoney(kind)}) AS moved
    WHERE (${paymentId}::uuid IS NULL OR "paymentId" = ${paymentId})
      AND (${after}::bigint IS NULL OR sequence > ${after})
    ORDER BY sequence
    LIMIT ${limit}`)
  return rows
}

/** Lists at most `limit` movements of all kinds, by payment and in the order of the decisions. */
export async function listReturnedMoney(
  { db, movedMoney }: ReturnedBooks,
  { after, limit }: { after: ReturnedPosition | null; limit: number },
): Promise<ReturnedMoney[]> {
  const { paymentId = null, sequence = null } = after ?? {}
  const { rows } = await db.query<ReturnedMoney>(sql`
    SELECT sequence, kind, "movementId", "paymentId", "refundId", "gatewayId", "chargeId",
      "amountMinor", currency, at
    FROM (${movedMoney('all')}) AS moved
    WHERE ${paymentId}::uuid IS NULL
      OR ("paymentId", sequence) > (${paymentId}::uuid, ${sequence}::bigint)
    ORDER BY "paymentId", sequence
    LIMIT ${limit}`)
  return rows
}
