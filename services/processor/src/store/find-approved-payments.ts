import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import type { ApprovedPayment } from '../domain/repeats-approval.ts'

type Row = {
  payment_id: string
  psp: string
  transaction_id: string | null
  amount_minor: bigint
  currency: string
  tenant_id: string
}

/** Finds those of the payments that have COMPLETED, without a lock: a final state stays. */
export async function findApprovedPayments(
  db: Reader,
  paymentIds: readonly string[],
): Promise<ReadonlyMap<string, ApprovedPayment>> {
  const statement = sql`
    SELECT payment_id, coalesce(psp, ${DEFAULT_PSP}) AS psp, amount_minor, currency, tenant_id,
      gateway_response->>'gateway_transaction_id' AS transaction_id
    FROM payments
    WHERE payment_id = ANY(${uuidArray(paymentIds, (id) => id)}::uuid[]) AND status = 'COMPLETED'`
  const { rows } = await db.query<Row>(named('find-approved-payments', statement))
  return new Map(
    rows.map(({ payment_id: id, psp, currency, ...row }) => {
      const { transaction_id: transactionId, amount_minor: amountMinor, tenant_id: tenantId } = row
      return [id, { psp, tenantId, transactionId, amountMinor, currency }]
    }),
  )
}
