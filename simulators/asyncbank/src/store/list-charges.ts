import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Charge } from '@caudal/simulator-kit/http/charge-item.ts'
import type {
  ChargeFilter,
  ChargePosition,
  ChargeTotals,
} from '@caudal/simulator-kit/http/charge-routes.ts'

const MOVED = sql`kind = 'pay' AND state IN ('settled', 'reversed')`

/** Lists at most `limit` payments whose money moved, by payment and the bank's id. */
export async function listCharges(
  db: Db,
  { paymentId, after, limit }: ChargeFilter,
): Promise<Charge[]> {
  const { rows } = await db.query<Charge>(sql`
    SELECT ref AS "paymentId", transfer_id AS "gatewayTransactionId",
      amount_minor AS "amountMinor", currency, account_number AS "accountNumber", final_at AS at
    FROM transfers
    WHERE ${MOVED} AND (${paymentId}::uuid IS NULL OR ref = ${paymentId}) AND ${isAfter(after)}
    ORDER BY ref, transfer_id
    LIMIT ${limit}`)
  return rows
}

function isAfter(after: ChargePosition | null): Sql {
  if (after === null) return sql`true`
  const { paymentId, gatewayTransactionId } = after
  if (gatewayTransactionId === null) return sql`ref > ${paymentId}`
  return sql`ref >= ${paymentId}
    AND (ref, transfer_id) > (${paymentId}::uuid, ${gatewayTransactionId}::text)`
}

/** Totals the charges of payments up to an id: what never changes, even if one is reversed. */
export async function totalCharges(db: Db, to: string): Promise<ChargeTotals> {
  const { rows } = await db.query<ChargeTotals>(sql`
    SELECT count(*)::text AS rows, coalesce(sum(amount_minor), 0)::text AS minor,
      coalesce(sum(hash_record_extended(ROW(ref, transfer_id, amount_minor, currency,
        account_number), 0)), 0)::text AS hash
    FROM transfers WHERE ${MOVED} AND ref <= ${to}`)
  return rows[0]!
}
