import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { FoundRefund, FoundRefundStatus } from '../domain/found-refund.ts'
import type { ReturnedMoney } from '../domain/returned-money.ts'
import { RETURN_COLUMNS, type ReturnRow, toReturn } from './return-row.ts'

type FoundRow = {
  refund_id: string
  tenant_id: string
  account_id: string
  payment_id: string
  user_id: string
  psp: string
  amount_minor: bigint
  currency: string
  status: FoundRefundStatus
  suspended_for: CaseReason | null
  received_at: Date
  reversed_at: Date | null
  updated_at: Date
}

/** Facts by their ids and by their payments. */
export interface WantedFacts {
  returnIds: readonly string[]
  refundIds: readonly string[]
  paymentIds: readonly string[]
}

/** The returns that are wanted, by id. Those of a payment change only under the payment's lock. */
export async function loadReturns(
  tx: Tx,
  { returnIds, paymentIds }: WantedFacts,
): Promise<Map<string, ReturnedMoney>> {
  const { rows } = await tx.query<ReturnRow>(sql`
    SELECT ${RETURN_COLUMNS} FROM returns
    WHERE return_id = ANY(${uuidArray(returnIds, (id) => id)}::uuid[])
    UNION
    SELECT ${RETURN_COLUMNS} FROM returns
    WHERE payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[])`)
  return new Map(rows.map((row) => [row.return_id, toReturn(row)]))
}

/** The found refunds that are wanted, by id. They change only under the lock of their payment. */
export async function loadFoundRefunds(
  tx: Tx,
  { refundIds, paymentIds }: WantedFacts,
): Promise<Map<string, FoundRefund>> {
  const { rows } = await tx.query<FoundRow>(sql`
    SELECT * FROM found_refunds
    WHERE refund_id = ANY(${uuidArray(refundIds, (id) => id)}::uuid[])
      OR payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[])`)
  return new Map(rows.map((row) => [row.refund_id, toFoundRefund(row)]))
}

function toFoundRefund(row: FoundRow): FoundRefund {
  return {
    refundId: row.refund_id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    paymentId: row.payment_id,
    userId: row.user_id,
    psp: row.psp,
    amountMinor: row.amount_minor,
    currency: row.currency,
    status: row.status,
    suspendedFor: row.suspended_for,
    receivedAt: row.received_at,
    reversedAt: row.reversed_at,
    updatedAt: row.updated_at,
  }
}
