import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Charge } from '@caudal/simulator-kit/http/charge-item.ts'
import type {
  ChargeFilter,
  ChargePosition,
  ChargeTotals,
} from '@caudal/simulator-kit/http/charge-routes.ts'

/** Lists at most `limit` charges by payment id and transaction id, after a position. */
export async function listCharges(
  db: Db,
  { paymentId, after, limit }: ChargeFilter,
): Promise<Charge[]> {
  const wanted = sql`
    (${paymentId}::uuid IS NULL OR payment_id = ${paymentId}) AND ${isAfter(after)}`
  // Each arm is cut by its own index, so that a page costs the same wherever it is.
  const { rows } = await db.query<Charge>(sql`
    SELECT payment_id AS "paymentId", gateway_transaction_id AS "gatewayTransactionId",
      amount_minor AS "amountMinor", currency, destination_account_number AS "accountNumber",
      decided_at AS at
    FROM (
      (
        SELECT payment_id, gateway_transaction_id, amount_minor, currency,
          destination_account_number, decided_at
        FROM payments WHERE verdict = 'approved' AND ${wanted}
        ORDER BY payment_id
        LIMIT ${limit}
      )
      UNION ALL
      (
        SELECT payment_id, gateway_transaction_id, amount_minor, currency,
          destination_account_number, decided_at
        FROM repeated_charges WHERE ${wanted}
        ORDER BY payment_id, gateway_transaction_id
        LIMIT ${limit}
      )
    ) AS charges
    ORDER BY payment_id, gateway_transaction_id
    LIMIT ${limit}`)
  return rows
}

function isAfter(after: ChargePosition | null): Sql {
  if (after === null) return sql`true`
  const { paymentId, gatewayTransactionId } = after
  if (gatewayTransactionId === null) return sql`payment_id > ${paymentId}`
  return sql`payment_id >= ${paymentId} AND (payment_id, gateway_transaction_id)
    > (${paymentId}::uuid, ${gatewayTransactionId}::uuid)`
}

/** The number of charges of payments up to an id, their amounts and a hash of all of them. */
export async function totalCharges(db: Db, to: string): Promise<ChargeTotals> {
  const { rows } = await db.query<ChargeTotals>(sql`
    SELECT (p.charges + again.charges)::text AS rows, (p.minor + again.minor)::text AS minor,
      (p.hash + again.hash)::text AS hash
    FROM (
      SELECT count(*) AS charges, coalesce(sum(amount_minor), 0) AS minor,
        coalesce(sum(hash_record_extended(payments, 0)), 0) AS hash
      FROM payments WHERE verdict = 'approved' AND payment_id <= ${to}
    ) AS p, (
      SELECT count(*) AS charges, coalesce(sum(amount_minor), 0) AS minor,
        coalesce(sum(hash_record_extended(repeated_charges, 0)), 0) AS hash
      FROM repeated_charges WHERE payment_id <= ${to}
    ) AS again`)
  return rows[0]!
}
