import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { PaymentAtPsp } from '../domain/choose-reversal.ts'
import type { OperationStatus } from '../domain/psp-operation.ts'

type Row = {
  payment_id: string
  tenant_id: string
  status: OperationStatus
  psp: string | null
  transaction_id: string | null
  amount_minor: bigint
  currency: string
  destination_bank: string
  finished_at: Date | null
  reversed_minor: bigint
  now: Date
}

/** Payments of which money may go back, by id, and the database's time. */
export type Reversible = { payments: Map<string, PaymentAtPsp>; now: number }

/**
 * Loads payments with the sum of their reversals that did not fail and were not taken back. The
 * refunds of a payment come in order, so no other transaction records one meanwhile.
 */
export async function findReversible(tx: Tx, paymentIds: readonly string[]): Promise<Reversible> {
  const statement = sql`
    SELECT p.payment_id, p.tenant_id, p.psp, p.amount_minor, p.currency, p.destination_bank,
      p.finished_at,
      -- The money of a payment that had FAILED may have moved late.
      CASE WHEN p.late_transaction_id IS NULL THEN p.status ELSE 'COMPLETED' END AS status,
      coalesce(p.late_transaction_id, p.gateway_response->>'gateway_transaction_id')
        AS transaction_id,
      (SELECT coalesce(sum(o.amount_minor), 0)::bigint FROM operations o
        WHERE o.payment_id = p.payment_id AND o.reversed_at IS NULL
          AND (o.status <> 'FAILED' OR o.late_transaction_id IS NOT NULL)) AS reversed_minor,
      statement_timestamp() AS now
    FROM payments p
    WHERE p.payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[])
      AND p.amount_minor IS NOT NULL`
  const { rows } = await tx.query<Row>(named('find-reversible', statement))
  return {
    payments: new Map(rows.map((row) => [row.payment_id, paymentOf(row)])),
    now: rows[0]?.now.getTime() ?? 0,
  }
}

/** Which requests are recorded already, also as canceled. */
export async function findKnownRequests(
  tx: Tx,
  requestIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const statement = sql`
    SELECT DISTINCT request_id FROM operations
    WHERE request_id = ANY(${uuidArray(requestIds, (id) => id)}::uuid[])`
  const { rows } = await tx.query<{ request_id: string }>(named('find-known-requests', statement))
  return new Set(rows.map((row) => row.request_id))
}

function paymentOf(row: Row): PaymentAtPsp {
  return {
    tenantId: row.tenant_id,
    status: row.status,
    // Release 0.1.0 names no PSP in its rows.
    psp: row.psp ?? DEFAULT_PSP,
    gatewayTransactionId: row.transaction_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    destinationBank: row.destination_bank,
    finishedAt: row.finished_at?.getTime() ?? null,
    reversedMinor: row.reversed_minor,
  }
}
