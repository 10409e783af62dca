import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { FailureReason } from '@caudal/contracts/reasons.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { LateCapture, Payment, Status } from '../domain/payment.ts'

/** The columns that `toPayment` reads. */
export const PAYMENT_COLUMNS = sql`payment_id, tenant_id, user_id, account_id, external_order_id,
    amount_minor, currency, service_name, status, reason, gateway_response, trace_id, created_at,
    updated_at, reserved_at, in_doubt_at, finalized_at, psp, refunded_minor, pending_minor,
    returned_minor, service_account_number, service_bank_code, late_capture, keeps_facts`

/** A row of `payments`. */
export type PaymentRow = {
  payment_id: string
  tenant_id: string
  user_id: string
  account_id: string
  external_order_id: string
  amount_minor: bigint
  currency: string
  service_name: string
  status: Status
  reason: FailureReason | null
  gateway_response: PspAnswer | null
  trace_id: string
  created_at: Date
  updated_at: Date
  reserved_at: Date | null
  in_doubt_at: Date | null
  finalized_at: Date | null
  psp: string | null
  refunded_minor: bigint
  pending_minor: bigint
  returned_minor: bigint
  service_account_number: string | null
  service_bank_code: string | null
  late_capture: LateCapture | null
  keeps_facts: boolean
}

/** The payment that a row holds. */
export function toPayment(row: PaymentRow): Payment {
  return {
    paymentId: row.payment_id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    accountId: row.account_id,
    externalOrderId: row.external_order_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    serviceName: row.service_name,
    status: row.status,
    reason: row.reason,
    pspAnswer: row.gateway_response,
    traceId: row.trace_id.replaceAll('-', ''),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    reservedAt: row.reserved_at,
    inDoubtAt: row.in_doubt_at,
    finalizedAt: row.finalized_at,
    psp: row.psp,
    refundedMinor: row.refunded_minor,
    pendingMinor: row.pending_minor,
    returnedMinor: row.returned_minor,
    serviceAccountNumber: row.service_account_number,
    serviceBankCode: row.service_bank_code,
    lateCapture: row.late_capture,
    keepsFacts: row.keeps_facts,
  }
}
