import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import type { PspReason } from '@caudal/contracts/reasons.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import type { PspPayment, PspStep, PaymentStatus } from '../domain/psp-payment.ts'

/** A payment as it was locked: `now` is the database's. */
export type StoredPayment = { facts: PaymentFacts; state: PspPayment; now: number }

/** The columns that every load takes. */
export const PSP_PAYMENT_COLUMNS = `
  payment_id, tenant_id, account_id, user_id, wallet_transaction_id, amount_minor, currency,
  destination_bank, traceparent, status, step, due_at, attempt_number, attempt_deadline_at,
  failure_count, may_have_left, unproven, query_count, gateway_response, reason, psp,
  statement_timestamp() AS now`

export type PspPaymentRow = {
  payment_id: string
  tenant_id: string
  account_id: string
  user_id: string
  wallet_transaction_id: string
  amount_minor: bigint
  currency: string
  destination_bank: string
  traceparent: string | null
  status: PaymentStatus
  step: PspStep
  due_at: Date | null
  attempt_number: number
  attempt_deadline_at: Date | null
  failure_count: number
  may_have_left: boolean
  unproven: boolean
  query_count: number
  gateway_response: PspAnswer | null
  reason: PspReason | null
  psp: string | null
  now: Date
}

/** The row as the domain knows it. */
export function storedPayment(row: PspPaymentRow): StoredPayment {
  return {
    facts: {
      paymentId: row.payment_id,
      tenantId: row.tenant_id,
      accountId: row.account_id,
      userId: row.user_id,
      walletTransactionId: row.wallet_transaction_id,
      amountMinor: row.amount_minor,
      currency: row.currency,
      destinationBank: row.destination_bank,
      traceparent: row.traceparent,
    },
    state: {
      status: row.status,
      // A row of release 0.1.0 names none, and only the default PSP was there then.
      psp: row.psp ?? (row.attempt_number > 0 ? DEFAULT_PSP : null),
      step: row.step,
      dueAt: row.due_at?.getTime() ?? null,
      attempt: row.attempt_number,
      attemptDeadlineAt: row.attempt_deadline_at?.getTime() ?? null,
      failures: row.failure_count,
      mayHaveLeft: row.may_have_left,
      unproven: row.unproven,
      queries: row.query_count,
      lastResponse: row.gateway_response,
      reason: row.reason,
    },
    now: row.now.getTime(),
  }
}

/** Milliseconds of the epoch as PostgreSQL reads them. */
export function isoTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString()
}
