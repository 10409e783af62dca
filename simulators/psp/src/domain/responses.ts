import type { Verdict } from './plan-outcome.ts'

/** The stored verdict of a payment. */
export interface DecidedPayment {
  paymentId: string
  verdict: Verdict
  /** null if nothing was charged. */
  gatewayTransactionId: string | null
}

/** Status and JSON body of a response to POST /v1/payments. */
export interface PspResponse {
  status: 200 | 400 | 500
  body: string
}

const DECLINE = {
  error_code: 'invalid_account_number',
  message: 'The destination account number is invalid.',
}

/** The JSON members of the verdict, in the PSP's format. */
export function verdictMembers(payment: DecidedPayment): Record<string, unknown> {
  return payment.verdict === 'approved'
    ? {
        status: 'approved',
        message: 'Payment processed successfully.',
        gateway_transaction_id: payment.gatewayTransactionId,
        payment_id: payment.paymentId,
      }
    : { status: 'failed', ...DECLINE, payment_id: payment.paymentId }
}

/** The response for a verdict: 200 for an approved payment, 400 for a declined one. */
export function verdictResponse(payment: DecidedPayment): PspResponse {
  const status = payment.verdict === 'approved' ? 200 : 400
  return { status, body: JSON.stringify(verdictMembers(payment)) }
}

/**
 * The response for a temporary failure; it does not say whether money moved. The misspelling of
 * `gateway_unailable` is part of the PSP's interface.
 */
export function unavailableResponse(paymentId: string): PspResponse {
  const body = {
    status: 'failed',
    error_code: 'gateway_unailable',
    message: 'The payment gateway is temporarily unavailable',
    payment_id: paymentId,
  }
  return { status: 500, body: JSON.stringify(body) }
}

/** The body that `garbage` sends in place of the verdict: truncated JSON. */
export const GARBAGE = '{"status":"appro\u0000<html><body>Bad'
