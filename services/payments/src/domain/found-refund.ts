import type { RefundFound } from '@caudal/contracts/events/psp-facts.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { fitsInCaptured, isSettled } from './payment-sums.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'

/** RECEIVED waits for the end of its payment. The other two are final. */
export const FOUND_REFUND_STATUSES = ['RECEIVED', 'ADOPTED', 'SUSPENDED'] as const

export type FoundRefundStatus = (typeof FOUND_REFUND_STATUSES)[number]

/** Money that the PSP gave back without a refund of ours that was under way. */
export interface FoundRefund {
  /** That of a refund of ours that had failed, or one that is made from the PSP's id. */
  refundId: string
  tenantId: string
  accountId: string
  paymentId: string
  userId: string
  psp: string
  amountMinor: bigint
  currency: string
  status: FoundRefundStatus
  suspendedFor: CaseReason | null
  receivedAt: Date
  updatedAt: Date
}

/** Where a found refund stands after its decision, and its payment. */
export interface FoundStep {
  found: FoundRefund
  payment: Payment
}

/** The found refund that an event reports, before anything is decided about it. */
export function newFoundRefund(event: RefundFound, now: Date): FoundRefund {
  return {
    refundId: event.refund_id,
    tenantId: event.tenant_id,
    accountId: event.account_id,
    paymentId: event.payment_id,
    userId: event.user_id,
    psp: event.psp,
    amountMinor: parseAmount(event.amount, event.currency),
    currency: event.currency,
    status: 'RECEIVED',
    suspendedFor: null,
    receivedAt: now,
    updatedAt: now,
  }
}

/**
 * Decides about money that is back at the PSP. It is adopted if it is that of a refund of ours
 * whose amount is claimed already, or fits in what was captured. Otherwise it goes to suspense,
 * with a case. It waits while the payment has no end.
 */
export function placeFoundRefund(
  found: FoundRefund,
  { payment, refund }: { payment: Payment; refund: Refund | undefined },
  now: Date,
): FoundStep {
  if (!isSettled(payment)) {
    return { found, payment: payment.keepsFacts ? payment : { ...payment, keepsFacts: true } }
  }
  const fits = (refund && isClaimed(refund)) || fitsInCaptured(payment, found.amountMinor)
  const suspendedFor = fits ? null : 'refund_exceeds_captured'
  const status = suspendedFor === null ? 'ADOPTED' : 'SUSPENDED'
  return { found: { ...found, status, suspendedFor, updatedAt: now }, payment }
}

/** A refund that was refused claims nothing; that of a late success never takes of the captured. */
function isClaimed({ refusedAt, approvedAt, origin }: Refund): boolean {
  return refusedAt === null || approvedAt !== null || origin === 'late_capture'
}
