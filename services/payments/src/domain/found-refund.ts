import type { RefundFound } from '@caudal/contracts/events/psp-facts.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { fitsInCaptured, isSettled, keepingFacts } from './payment-sums.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'

/**
 * RECEIVED waits for the end of its payment. ADOPTED: what follows is that of its refund. The money
 * of a SUSPENDED one is in suspense until the PSP takes it back: REVERSED.
 */
export type FoundRefundStatus = 'RECEIVED' | 'ADOPTED' | 'SUSPENDED' | 'REVERSED'

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
  /** Why the money is in suspense; null unless it is. */
  suspendedFor: CaseReason | null
  receivedAt: Date
  /** The PSP took the money back, before the refund was adopted. */
  reversedAt: Date | null
  updatedAt: Date
}

/** Where a found refund stands after its decision, and its payment. */
export interface FoundStep {
  found: FoundRefund
  payment: Payment
  /** Why the money goes to suspense. */
  caseReason?: CaseReason
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
    reversedAt: null,
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
  if (!isSettled(payment)) return { found, payment: keepingFacts(payment) }
  const fits = (refund && isClaimed(refund)) || fitsInCaptured(payment, found.amountMinor)
  if (fits) return { found: { ...found, status: 'ADOPTED', updatedAt: now }, payment }
  const caseReason = 'refund_exceeds_captured'
  const suspended = { ...found, status: 'SUSPENDED', suspendedFor: caseReason } as const
  const reversedAt = found.reversedAt ?? refund?.reversedAt ?? null
  const after = reversedAt === null ? suspended : reverseFoundRefund(suspended, reversedAt)
  return { found: { ...after, updatedAt: now }, payment, caseReason }
}

/** The PSP took the money back. One that waits for the end of its payment goes on waiting. */
export function reverseFoundRefund(found: FoundRefund, now: Date): FoundRefund {
  const status = found.status === 'SUSPENDED' ? 'REVERSED' : found.status
  return { ...found, status, suspendedFor: null, reversedAt: now, updatedAt: now }
}

/** Whether what happens to the money concerns the found refund itself, and no refund of ours. */
export function isApart({ status }: FoundRefund): boolean {
  return status !== 'ADOPTED'
}

/** A refund that was refused claims nothing; that of a late success never takes of the captured. */
function isClaimed({ refusedAt, approvedAt, origin }: Refund): boolean {
  return refusedAt === null || approvedAt !== null || origin === 'late_capture'
}
