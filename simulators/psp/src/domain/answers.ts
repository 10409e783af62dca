import type { Verdict } from './plan-outcome.ts'

/** A verdict as the books have it. */
export interface BookedPayment {
  paymentId: string
  verdict: Verdict
  /** null when nothing was charged. */
  gatewayTransactionId: string | null
}

/** Status and JSON text of an answer of POST /v1/payments. */
export interface Answer {
  status: 200 | 400 | 500
  body: string
}

const DECLINE = {
  error_code: 'invalid_account_number',
  message: 'The destination account number is invalid.',
}

/** The verdict in the words of the source document. */
export function verdictMembers(payment: BookedPayment): Record<string, unknown> {
  return payment.verdict === 'approved'
    ? {
        status: 'approved',
        message: 'Payment processed successfully.',
        gateway_transaction_id: payment.gatewayTransactionId,
        payment_id: payment.paymentId,
      }
    : { status: 'failed', ...DECLINE, payment_id: payment.paymentId }
}

/** 200 when the bank paid, 400 when it declined. */
export function verdictAnswer(payment: BookedPayment): Answer {
  const status = payment.verdict === 'approved' ? 200 : 400
  return { status, body: JSON.stringify(verdictMembers(payment)) }
}

/** A temporary failure, which says nothing of money; the code has the spelling of the source. */
export function unavailableAnswer(paymentId: string): Answer {
  const body = {
    status: 'failed',
    error_code: 'gateway_unailable',
    message: 'The payment gateway is temporarily unavailable',
    payment_id: paymentId,
  }
  return { status: 500, body: JSON.stringify(body) }
}

/** What `garbage` sends in place of the verdict: JSON that breaks off. */
export const GARBAGE = '{"status":"appro\u0000<html><body>Bad'
