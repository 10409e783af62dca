import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Verdict } from '@caudal/simulator-kit/plan-outcome.ts'

/** A stored payment. */
export interface FoundPayment {
  paymentId: string
  /** SHA-256 of the decided request, in hex. */
  fingerprint: string
  verdict: Verdict
  gatewayTransactionId: string | null
  amountMinor: bigint
  currency: string
}

/** Finds the payments that have a verdict, by id. Ids are in lower case. */
export async function findPayments(
  db: Db,
  paymentIds: readonly string[],
): Promise<Map<string, FoundPayment>> {
  if (paymentIds.length === 0) return new Map()
  const statement = sql`
    SELECT payment_id AS "paymentId", encode(fingerprint, 'hex') AS fingerprint, verdict,
      gateway_transaction_id AS "gatewayTransactionId", amount_minor AS "amountMinor", currency
    FROM payments
    WHERE payment_id = ANY (${paymentIds}::uuid[])`
  const { rows } = await db.query<FoundPayment>(named('find-payments', statement))
  return new Map(rows.map((row) => [row.paymentId, row]))
}
