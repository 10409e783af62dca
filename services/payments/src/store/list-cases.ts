import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { CaseToOpen } from '../domain/case-to-open.ts'

/** The states of a case. */
export const CASE_STATUSES = ['OPEN', 'IN_PROGRESS', 'WAITING_EXTERNAL', 'RESOLVED'] as const

export type CaseStatus = (typeof CASE_STATUSES)[number]

/** A case as stored. */
export interface StoredCase extends CaseToOpen {
  caseId: string
  status: CaseStatus
  version: number
  openedAt: Date
}

/** Which cases of a tenant; what is undefined does not count. */
export interface CaseFilter {
  tenantId: string
  status: CaseStatus | undefined
  reason: CaseReason | undefined
}

type Row = {
  case_id: string
  tenant_id: string
  account_id: string
  reason: CaseReason
  subject_type: StoredCase['subject']['type']
  subject_id: string
  payment_id: string | null
  user_id: string | null
  amount_minor: bigint | null
  currency: string | null
  detail: string
  status: CaseStatus
  version: number
  opened_at: Date
}

/** The cases of a tenant, newest first, `limit` at most, by keyset. */
export async function listCases(
  db: Db,
  { tenantId, status, reason }: CaseFilter,
  { limit, after }: { limit: number; after: { openedAt: Date; caseId: string } | undefined },
): Promise<StoredCase[]> {
  const withStatus = status === undefined ? sql`` : sql`AND status = ${status}`
  const withReason = reason === undefined ? sql`` : sql`AND reason = ${reason}`
  const behind = after
    ? sql`AND (opened_at, case_id)
        < (${after.openedAt.toISOString()}::timestamptz, ${after.caseId}::uuid)`
    : sql``
  const { rows } = await db.query<Row>(sql`
    SELECT case_id, tenant_id, account_id, reason, subject_type, subject_id, payment_id, user_id,
      amount_minor, currency, detail, status, version, opened_at
    FROM cases
    WHERE tenant_id = ${tenantId} ${withStatus} ${withReason} ${behind}
    ORDER BY opened_at DESC, case_id DESC
    LIMIT ${limit}`)
  return rows.map(toCase)
}

function toCase(row: Row): StoredCase {
  const { payment_id: paymentId, user_id: userId } = row
  return {
    caseId: row.case_id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    reason: row.reason,
    subject: { type: row.subject_type, id: row.subject_id },
    payment: paymentId === null || userId === null ? null : { paymentId, userId },
    amountMinor: row.amount_minor,
    currency: row.currency,
    detail: row.detail,
    status: row.status,
    version: row.version,
    openedAt: row.opened_at,
  }
}
