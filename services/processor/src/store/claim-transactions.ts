import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { OperationTable } from './operation-tables.ts'

/** A transaction id that the PSP named as the proof of an operation. */
export type TransactionClaim = { psp: string; transactionId: string; operationId: string }

/**
 * Claims transaction ids for their operations. The first one keeps an id for good. Returns the
 * claims whose id belongs to another operation: their approvals prove nothing (ADR 0023).
 */
export async function claimTransactions(
  tx: Tx,
  table: OperationTable,
  claims: readonly TransactionClaim[],
): Promise<ReadonlySet<TransactionClaim>> {
  if (claims.length === 0) return new Set()
  const psps = textArray(claims, (it) => it.psp)
  const ids = textArray(claims, (it) => it.transactionId)
  const owners = uuidArray(claims, (it) => it.operationId)
  // Sorted, so that two instances cannot deadlock. An id that another transaction is claiming is
  // waited for, and the second statement sees who got it.
  const claim = sql`
    INSERT INTO ${table.transactions} (psp, gateway_transaction_id, ${table.id})
    SELECT psp, transaction_id, id
    FROM unnest(${psps}::text[], ${ids}::text[], ${owners}::uuid[])
      WITH ORDINALITY AS c(psp, transaction_id, id, position)
    ORDER BY psp, transaction_id, position
    ON CONFLICT DO NOTHING`
  await tx.query(named(`claim-transactions-of-${table.name}`, claim))
  const find = sql`
    SELECT t.${table.id} AS operation_id FROM unnest(${psps}::text[], ${ids}::text[])
      WITH ORDINALITY AS c(psp, transaction_id, position)
    JOIN ${table.transactions} t
      ON t.psp = c.psp AND t.gateway_transaction_id = c.transaction_id
    ORDER BY c.position`
  const { rows } = await tx.query<{ operation_id: string }>(
    named(`find-transactions-of-${table.name}`, find),
  )
  return new Set(claims.filter((it, index) => rows[index]?.operation_id !== it.operationId))
}
