import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { problemBody } from '@caudal/http/problem.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { PaymentRequest, PaymentRefusalCode, StoredAnswer } from '../domain/decide-requests.ts'
import { type Payment, shownStatusOf } from '../domain/payment.ts'

const ACCEPTED = 202

/** The answer to an accepted payment; its bytes are stored (P2). */
export function renderAccepted(request: PaymentRequest, payment: Payment): StoredAnswer {
  const body = JSON.stringify({
    payment_id: payment.paymentId,
    status: 'PENDING',
    external_order_id: payment.externalOrderId,
    amount: formatAmount(payment.amountMinor, payment.currency),
    currency: payment.currency,
    created_at: payment.createdAt.toISOString(),
  })
  const { fingerprint } = request
  return { fingerprint, httpStatus: ACCEPTED, body, paymentId: payment.paymentId }
}

/** The problem document of a refusal, stored like a success; replays keep its trace id. */
export function renderRefused(request: PaymentRequest, code: PaymentRefusalCode): StoredAnswer {
  const body = problemBody(code, request.traceId)
  const { fingerprint } = request
  return { fingerprint, httpStatus: ERROR_CODES[code].status, body, paymentId: null }
}

/** A payment as its owner sees it: the reason is shown only with FAILED. */
export function viewPayment(payment: Payment) {
  return {
    payment_id: payment.paymentId,
    status: shownStatusOf(payment),
    external_order_id: payment.externalOrderId,
    amount: formatAmount(payment.amountMinor, payment.currency),
    currency: payment.currency,
    service_name: payment.serviceName,
    reason: payment.status === 'FAILED' ? payment.reason : null,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
  }
}

/** What this service knows of the payment's way, oldest first. */
export function stepsOf(payment: Payment): PaymentStep[] {
  const amount = `${formatAmount(payment.amountMinor, payment.currency)} ${payment.currency}`
  const steps: PaymentStep[] = []
  const add = (at: Date | null, step: string, detail: string): void => {
    if (at) steps.push({ at: at.toISOString(), step, detail })
  }
  add(
    payment.createdAt,
    'payment.requested',
    `${amount} to ${payment.serviceName}, trace ${payment.traceId}`,
  )
  add(payment.reservedAt, 'payment.reserved', `${amount} held in account ${payment.accountId}`)
  add(payment.inDoubtAt, 'payment.in_doubt', 'the outcome at the PSP is unknown, the hold stays')
  if (payment.status === 'COMPLETED') {
    const transaction = payment.pspAnswer?.gateway_transaction_id
    const step = payment.lateCapture === null ? 'payment.completed' : 'payment.recovered'
    add(payment.finalizedAt, step, transaction ?? 'approved by the PSP')
  } else {
    add(payment.finalizedAt, 'payment.failed', payment.reason ?? '')
  }
  return inOrder(steps)
}

/** The steps by time; those of one time stay in their order. */
export function inOrder(steps: readonly PaymentStep[]): PaymentStep[] {
  return steps.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}
