import { Problem, renderProblem } from '@caudal/http/problem.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { BankLanguage, PreparedDelivery } from '@caudal/simulator-kit/http/deliver.ts'
import { jsonResponse, type WrittenResponse } from '@caudal/simulator-kit/http/write-response.ts'
import type { FalseAnswer, Verdict } from '@caudal/simulator-kit/plan-outcome.ts'

/** The stored verdict of a payment. */
export interface DecidedPayment {
  paymentId: string
  verdict: Verdict
  /** null if nothing was charged. */
  gatewayTransactionId: string | null
  amountMinor: bigint
  currency: string
}

/** A payment and how to respond about it. */
export interface PreparedPayment extends PreparedDelivery {
  paymentId: string
  /** null if it has no verdict. */
  payment: DecidedPayment | null
  traceId: string
}

/** Why the bank declines a payment. */
export const PAYMENT_DECLINE = {
  error_code: 'invalid_account_number',
  message: 'The destination account number is invalid.',
}

/** The misspelling of `gateway_unailable` is part of the PSP's interface. */
const UNAVAILABLE = {
  status: 'failed',
  error_code: 'gateway_unailable',
  message: 'The payment gateway is temporarily unavailable',
}

/** The transaction id of every operation under `repeated_transaction_id`. */
const REPEATED_ID = '00000000-0000-4000-8000-000000000001'
/** The body that `garbage` sends in place of the verdict: truncated JSON. */
const GARBAGE = jsonResponse(200, '{"status":"appro\u0000<html><body>Bad')

/** The JSON members of the verdict, in the PSP's format. */
function verdictMembers(payment: DecidedPayment): Record<string, unknown> {
  return payment.verdict === 'approved'
    ? {
        status: 'approved',
        message: 'Payment processed successfully.',
        gateway_transaction_id: payment.gatewayTransactionId,
        payment_id: payment.paymentId,
      }
    : { status: 'failed', ...PAYMENT_DECLINE, payment_id: payment.paymentId }
}

/**
 * The members of an approval, changed by a behaviour that lies about it. `idName` is the member
 * with the bank's id.
 */
export function falseMembers(
  members: Record<string, unknown>,
  { lie, idName, currency }: { lie: FalseAnswer; idName: string; currency: string },
): WrittenResponse {
  const approval = (changed: Record<string, unknown>): WrittenResponse =>
    jsonResponse(200, JSON.stringify({ ...members, ...changed }))
  switch (lie) {
    case 'wrong_amount':
      return approval({ amount: '0.01', currency })
    case 'wrong_currency':
      return approval({ currency: currency === 'JPY' ? 'USD' : 'JPY' })
    case 'no_transaction_id':
      return approval({ [idName]: undefined })
    case 'repeated_transaction_id':
      return approval({ [idName]: REPEATED_ID })
    case 'duplicate_members':
      return jsonResponse(200, `{"status":"failed",${JSON.stringify(members).slice(1)}`)
    default:
      return lie satisfies never
  }
}

/**
 * The responses that state no verdict. A temporary failure does not say whether money moved; a
 * problem document has no data of the operation, so that callers do not take it for a verdict.
 */
export function responsesWithoutVerdict<P extends { traceId: string }>(
  ids: (what: P) => Record<string, string>,
): Pick<BankLanguage<P>, 'unavailable' | 'rateLimited' | 'mismatch' | 'garbage'> {
  return {
    unavailable: (what) => jsonResponse(500, JSON.stringify({ ...UNAVAILABLE, ...ids(what) })),
    rateLimited: ({ traceId }) => renderProblem(new Problem('RATE_LIMITED'), traceId),
    mismatch: ({ traceId }) => renderProblem(new Problem('IDEMPOTENCY_MISMATCH'), traceId),
    garbage: GARBAGE,
  }
}

const ID_NAME = 'gateway_transaction_id'
const common = responsesWithoutVerdict<PreparedPayment>(({ paymentId }) => ({
  payment_id: paymentId,
}))

/** The responses to POST /v1/payments: 200 for an approved payment, 400 for a declined one. */
export const paymentResponses: BankLanguage<PreparedPayment> = {
  ...common,
  answer: ({ payment }) =>
    jsonResponse(payment!.verdict === 'approved' ? 200 : 400, verdictText(payment!)),
  falseAnswer(what, lie) {
    const { verdict, currency } = what.payment!
    if (verdict !== 'approved' || lie === 'contradict') return paymentResponses.answer(what)
    return falseMembers(verdictMembers(what.payment!), { lie, idName: ID_NAME, currency })
  },
  notFound: ({ paymentId }) => statusNotFound({ payment_id: paymentId }),
}

/** The responses to GET /v1/payments/{payment_id}. */
export const paymentStatuses: BankLanguage<PreparedPayment> = {
  ...common,
  answer: ({ payment }) => jsonResponse(200, JSON.stringify(statusMembers(payment!))),
  falseAnswer(what, lie) {
    const payment = what.payment!
    if (lie === 'contradict') return jsonResponse(200, JSON.stringify(opposite(payment)))
    if (payment.verdict !== 'approved') return paymentStatuses.answer(what)
    const { currency } = payment
    return falseMembers(statusMembers(payment), { lie, idName: ID_NAME, currency })
  },
  notFound: paymentResponses.notFound,
}

/** A status query's answer for what the bank does not know. */
export function statusNotFound(ids: Record<string, string>): WrittenResponse {
  return jsonResponse(200, JSON.stringify({ ...ids, status: 'not_found' }))
}

function verdictText(payment: DecidedPayment): string {
  return JSON.stringify(verdictMembers(payment))
}

function statusMembers(payment: DecidedPayment): Record<string, unknown> {
  const { amountMinor, currency } = payment
  return { ...verdictMembers(payment), amount: formatAmount(amountMinor, currency), currency }
}

function opposite(payment: DecidedPayment): Record<string, unknown> {
  const verdict = payment.verdict === 'approved' ? 'failed' : 'approved'
  return statusMembers({ ...payment, verdict, gatewayTransactionId: REPEATED_ID })
}
