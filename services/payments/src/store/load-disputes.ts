import type { DisputeOutcome } from '@caudal/contracts/reasons.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Dispute } from '../domain/dispute.ts'

/** A row of `disputes`. */
export type DisputeRow = {
  dispute_id: string
  tenant_id: string
  account_id: string
  payment_id: string | null
  user_id: string | null
  psp: string
  amount_minor: bigint
  currency: string
  reference: string
  reason: string
  outcome: DisputeOutcome | null
  version: number
  received_at: Date
  updated_at: Date
}

/** The disputes with these ids that are known, by id. */
export async function loadDisputes(
  tx: Tx,
  disputeIds: readonly string[],
): Promise<Map<string, Dispute>> {
  const { rows } = await tx.query<DisputeRow>(sql`
    SELECT * FROM disputes
    WHERE dispute_id = ANY(${uuidArray(disputeIds, (id) => id)}::uuid[])`)
  return new Map(rows.map((row) => [row.dispute_id, toDispute(row)]))
}

/** The payments of these disputes, where they are known. */
export async function findPaymentsOfDisputes(
  tx: Tx,
  disputeIds: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.query<{ payment_id: string }>(sql`
    SELECT payment_id FROM disputes
    WHERE payment_id IS NOT NULL
      AND dispute_id = ANY(${uuidArray(disputeIds, (id) => id)}::uuid[])`)
  return rows.map((row) => row.payment_id)
}

/** Those of the payments that are disputed: a dispute of them is open. */
export async function findDisputed(tx: Tx, paymentIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ payment_id: string }>(sql`
    SELECT payment_id FROM disputes
    WHERE outcome IS NULL AND payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[])`)
  return new Set(rows.map((row) => row.payment_id))
}

/** The dispute that a row holds. */
export function toDispute(row: DisputeRow): Dispute {
  return {
    disputeId: row.dispute_id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    paymentId: row.payment_id,
    userId: row.user_id,
    psp: row.psp,
    amountMinor: row.amount_minor,
    currency: row.currency,
    reference: row.reference,
    reason: row.reason,
    outcome: row.outcome,
    version: row.version,
    receivedAt: row.received_at,
    updatedAt: row.updated_at,
  }
}
