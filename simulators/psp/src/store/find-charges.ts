import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import type { Charge } from '../domain/movement.ts'

/** Finds the approved payments with what has come back of each, by id. Ids are in lower case. */
export async function findCharges(
  db: Reader,
  paymentIds: readonly string[],
): Promise<Map<string, Charge>> {
  const { rows } = await db.query<Charge>(sql`
    SELECT p.payment_id AS "paymentId", p.gateway_transaction_id AS "gatewayTransactionId",
      p.amount_minor AS "amountMinor", p.currency,
      p.destination_account_number AS "accountNumber",
      extract(epoch FROM clock_timestamp() - p.decided_at)::float8 * 1000 AS "ageMs",
      back.minor AS "backMinor", back.voided
    FROM payments p
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(m.amount_minor + m.charges_minor), 0)::bigint AS minor,
        coalesce(bool_or(m.kind = 'void'), false) AS voided
      FROM movements m
      WHERE m.payment_id = p.payment_id AND m.verdict = 'approved' AND m.reversed_at IS NULL
    ) AS back
    WHERE p.payment_id = ANY (${uuidArray(paymentIds, (id) => id)}::uuid[])
      AND p.verdict = 'approved'`)
  return new Map(rows.map((row) => [row.paymentId, row]))
}
