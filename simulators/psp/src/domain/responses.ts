import type { FalseAnswer, Verdict } from './plan-outcome.ts'

/** The stored verdict of a payment. */
export interface DecidedPayment {
  paymentId: string
  verdict: Verdict
  /** null if nothing was charged. */
  gatewayTransactionId: string | null
  currency: string
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

/** The transaction id of every payment under `repeated_transaction_id`. */
const REPEATED_ID = '00000000-0000-4000-8000-000000000001'

/** The response of a behaviour that lies about an approved payment; others get their verdict. */
export function falseResponse(payment: DecidedPayment, lie: FalseAnswer): PspResponse {
  const truth = verdictResponse(payment)
  if (payment.verdict !== 'approved') return truth
  const { currency } = payment
  const members = verdictMembers(payment)
  switch (lie) {
    case 'wrong_amount':
      return approval({ ...members, amount: '0.01', currency })
    case 'wrong_currency':
      return approval({ ...members, currency: currency === 'JPY' ? 'USD' : 'JPY' })
    case 'no_transaction_id':
      return approval({ ...members, gateway_transaction_id: undefined })
    case 'repeated_transaction_id':
      return approval({ ...members, gateway_transaction_id: REPEATED_ID })
    case 'duplicate_members':
      return { status: 200, body: `{"status":"failed",${truth.body.slice(1)}` }
    default:
      return lie satisfies never
  }
}

function approval(members: Record<string, unknown>): PspResponse {
  return { status: 200, body: JSON.stringify(members) }
}

/** The body that `garbage` sends in place of the verdict: truncated JSON. */
export const GARBAGE = '{"status":"appro\u0000<html><body>Bad'
