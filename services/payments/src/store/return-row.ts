import type { CaseReason } from '@caudal/contracts/reasons.ts'
import type { ReturnCode } from '@caudal/contracts/return-reasons.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { ReturnedMoney, ReturnStatus } from '../domain/returned-money.ts'

/** The columns that `toReturn` reads. */
export const RETURN_COLUMNS = sql`return_id, tenant_id, account_id, payment_id, user_id, psp,
    amount_minor, charges_minor, currency, reference, reason, reason_code, status, suspended_for,
    matched_at, version, received_at, updated_at`

/** A row of `returns`. */
export type ReturnRow = {
  return_id: string
  tenant_id: string
  account_id: string
  payment_id: string | null
  user_id: string | null
  psp: string
  amount_minor: bigint
  charges_minor: bigint
  currency: string
  reference: string
  reason: string
  reason_code: ReturnCode
  status: ReturnStatus
  suspended_for: CaseReason | null
  matched_at: Date | null
  version: number
  received_at: Date
  updated_at: Date
}

/** The return that a row holds. */
export function toReturn(row: ReturnRow): ReturnedMoney {
  return {
    returnId: row.return_id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    paymentId: row.payment_id,
    userId: row.user_id,
    psp: row.psp,
    amountMinor: row.amount_minor,
    chargesMinor: row.charges_minor,
    currency: row.currency,
    reference: row.reference,
    reason: row.reason,
    reasonCode: row.reason_code,
    status: row.status,
    suspendedFor: row.suspended_for,
    matchedAt: row.matched_at,
    version: row.version,
    receivedAt: row.received_at,
    updatedAt: row.updated_at,
  }
}
