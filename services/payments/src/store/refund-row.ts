import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { PostingEnd } from '@caudal/contracts/events/postings.ts'
import type { RefundCause, RefundReason } from '@caudal/contracts/reasons.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Refund, RefundOrigin, RefundStatus } from '../domain/refund.ts'

/** The columns that `toRefund` reads. */
export const REFUND_COLUMNS = sql`refund_id, payment_id, tenant_id, user_id, account_id,
    amount_minor, currency, origin, cause, metadata, trace_id, created_at, status, failure_reason,
    version, psp, gateway_response, updated_at, submitted_at, in_doubt_at, approved_at, refused_at,
    credited_at, credited_to, reversed_at, recaptured_at, recaptured_from`

/** A row of `refunds`. */
export type RefundRow = {
  refund_id: string
  payment_id: string
  tenant_id: string
  user_id: string
  account_id: string
  amount_minor: bigint
  currency: string
  origin: RefundOrigin
  cause: RefundCause
  metadata: Record<string, string>
  trace_id: string
  created_at: Date
  status: RefundStatus
  failure_reason: RefundReason | null
  version: number
  psp: string | null
  gateway_response: PspAnswer | null
  updated_at: Date
  submitted_at: Date | null
  in_doubt_at: Date | null
  approved_at: Date | null
  refused_at: Date | null
  credited_at: Date | null
  credited_to: PostingEnd | null
  reversed_at: Date | null
  recaptured_at: Date | null
  recaptured_from: PostingEnd | null
}

/** The refund that a row holds. */
export function toRefund(row: RefundRow): Refund {
  return {
    refundId: row.refund_id,
    paymentId: row.payment_id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    accountId: row.account_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    origin: row.origin,
    cause: row.cause,
    metadata: row.metadata,
    traceId: row.trace_id.replaceAll('-', ''),
    createdAt: row.created_at,
    status: row.status,
    failureReason: row.failure_reason,
    version: row.version,
    psp: row.psp,
    pspAnswer: row.gateway_response,
    updatedAt: row.updated_at,
    submittedAt: row.submitted_at,
    inDoubtAt: row.in_doubt_at,
    approvedAt: row.approved_at,
    refusedAt: row.refused_at,
    creditedAt: row.credited_at,
    creditedTo: row.credited_to,
    reversedAt: row.reversed_at,
    recapturedAt: row.recaptured_at,
    recapturedFrom: row.recaptured_from,
  }
}
