import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { lateCaptureRefundIdOf } from '@caudal/contracts/ids.ts'
import { effectOf, type RefundEffect, withShares } from './decide-refund-event.ts'
import { settle } from './evolve-refund.ts'
import { type Cause, refundRequested } from './fact-events.ts'
import type { FoundRefund } from './found-refund.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'

/** A refund that exists because of a fact: the row to insert, if it is new, and what it becomes. */
export interface AdoptedRefund extends RefundEffect {
  created: Refund | null
}

/**
 * Makes a found refund one of ours, which the PSP has approved: what follows is the same as for a
 * refund that was asked for. One that had failed succeeds after all.
 */
export function adoptRefund(
  found: FoundRefund,
  { payment, refund }: { payment: Payment; refund: Refund | undefined },
  { actor, context }: Cause,
): AdoptedRefund {
  const { now } = context
  const { refundId, amountMinor, psp } = found
  const created = refund ? null : bareRefund(payment, { refundId, amountMinor, origin: 'psp', now })
  const before = refund ?? created!
  const after = settle({ ...before, approvedAt: before.approvedAt ?? now, psp }, now)
  const claimed = created ? withShares(payment, { before: null, after: created }, now) : payment
  return { ...effectOf({ payment: claimed, before, after, actor }, context), created }
}

/** The refund of a payment whose money the PSP moved although the payment had failed. */
export function requestLateRefund(
  payment: Payment,
  cause: Cause,
): { refund: Refund; event: RefundRequested } {
  const { now } = cause.context
  const refundId = lateCaptureRefundIdOf(payment.paymentId)
  const { amountMinor } = payment
  const refund = bareRefund(payment, { refundId, amountMinor, origin: 'late_capture', now })
  return { refund, event: refundRequested(refund, cause) }
}

function bareRefund(
  { paymentId, tenantId, userId, accountId, currency, traceId }: Payment,
  { now, ...facts }: Pick<Refund, 'refundId' | 'amountMinor' | 'origin'> & { now: Date },
): Refund {
  return {
    ...facts,
    paymentId,
    tenantId,
    userId,
    accountId,
    currency,
    traceId,
    cause: 'other',
    metadata: {},
    createdAt: now,
    updatedAt: now,
    status: 'PENDING',
    failureReason: null,
    version: 1,
    psp: null,
    pspAnswer: null,
    submittedAt: null,
    inDoubtAt: null,
    approvedAt: null,
    refusedAt: null,
    creditedAt: null,
    creditedTo: null,
    reversedAt: null,
    recapturedAt: null,
    recapturedFrom: null,
  }
}
