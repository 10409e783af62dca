import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/** A transaction id that the PSP named as the proof of a payment. */
export type TransactionClaim = { psp: string; transactionId: string; paymentId: string }

/**
 * Claims transaction ids for their payments. The first payment keeps an id for good. Returns the
 * claims whose id belongs to another payment: their approvals prove nothing (ADR 0023).
 */
export async function claimTransactions(
  tx: Tx,
  claims: readonly TransactionClaim[],
): Promise<ReadonlySet<TransactionClaim>> {
  if (claims.length === 0) return new Set()
  const psps = textArray(claims, (it) => it.psp)
  const ids = textArray(claims, (it) => it.transactionId)
  // Sorted, so that two instances cannot deadlock. An id that another transaction is claiming is
  // waited for, and the second statement sees who got it.
  const claim = sql`
    INSERT INTO psp_transactions (psp, gateway_transaction_id, payment_id)
    SELECT psp, id, payment_id
    FROM unnest(${psps}::text[], ${ids}::text[], ${uuidArray(claims, (it) => it.paymentId)}::uuid[])
      WITH ORDINALITY AS c(psp, id, payment_id, position)
    ORDER BY psp, id, position
    ON CONFLICT DO NOTHING`
  await tx.query(named('claim-transactions', claim))
  const find = sql`
    SELECT t.payment_id FROM unnest(${psps}::text[], ${ids}::text[])
      WITH ORDINALITY AS c(psp, id, position)
    JOIN psp_transactions t ON t.psp = c.psp AND t.gateway_transaction_id = c.id
    ORDER BY c.position`
  const { rows } = await tx.query<{ payment_id: string }>(named('find-transactions', find))
  return new Set(claims.filter((it, index) => rows[index]?.payment_id !== it.paymentId))
}
