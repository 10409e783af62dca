import type { FundsPosted } from '@caudal/contracts/events/postings.ts'
import type {
  RefundCanceled,
  RefundFailed,
  RefundInDoubt,
  RefundReversed,
  RefundSubmitted,
  RefundSucceeded,
} from '@caudal/contracts/events/refunds.ts'
import { type Refund, refundStatusOf } from './refund.ts'

/** The results of a refund at the PSP, and what the ledger booked for it. */
export type RefundEvent =
  | RefundSubmitted
  | RefundInDoubt
  | RefundSucceeded
  | RefundFailed
  | RefundCanceled
  | RefundReversed
  | FundsPosted

/**
 * The refund after one event. The same object if the event changes nothing; 'contradicts' if it
 * conflicts with a verdict. Each event is a fact that is stored once, whatever came before it.
 */
export function evolveRefund(
  refund: Refund,
  event: RefundEvent,
  now: Date,
): Refund | 'contradicts' {
  const after = learn(refund, event, now)
  return after === 'contradicts' || after === refund ? after : settle(after, now)
}

/** The refund with the status of its facts, which counts as a new version if it changed. */
export function settle(refund: Refund, now: Date): Refund {
  const status = refundStatusOf(refund)
  if (status === refund.status) return refund
  return { ...refund, status, version: refund.version + 1, updatedAt: now }
}

function learn(refund: Refund, event: RefundEvent, now: Date): Refund | 'contradicts' {
  switch (event.event_type) {
    case 'refund.submitted':
      if (wasCanceled(refund)) return 'contradicts'
      if (refund.submittedAt !== null) return refund
      return { ...refund, submittedAt: now, psp: refund.psp ?? event.psp }
    case 'refund.in_doubt':
      if (wasCanceled(refund)) return 'contradicts'
      if (refund.inDoubtAt !== null) return refund
      return { ...refund, inDoubtAt: now, psp: refund.psp ?? event.psp }
    case 'refund.succeeded':
      return approved(refund, event, now)
    case 'refund.failed':
    case 'refund.canceled':
      return refused(refund, event, now)
    case 'refund.reversed':
      return reversed(refund, event, now)
    case 'funds.posted':
      return posted(refund, event, now)
    default:
      return event satisfies never
  }
}

function isRefused({ refusedAt, approvedAt }: Refund): boolean {
  return refusedAt !== null && approvedAt === null
}

function wasCanceled(refund: Refund): boolean {
  return isRefused(refund) && refund.failureReason === null
}

function approved(refund: Refund, event: RefundSucceeded, now: Date): Refund | 'contradicts' {
  if (isRefused(refund)) return 'contradicts'
  if (refund.pspAnswer !== null) return refund
  const { gateway_response: pspAnswer, psp } = event
  return { ...refund, approvedAt: refund.approvedAt ?? now, psp, pspAnswer }
}

function refused(
  refund: Refund,
  event: RefundFailed | RefundCanceled,
  now: Date,
): Refund | 'contradicts' {
  const wasSent = refund.submittedAt !== null || refund.inDoubtAt !== null
  const isCancel = event.event_type === 'refund.canceled'
  if (refund.refusedAt !== null) {
    return (refund.failureReason === null) === isCancel ? refund : 'contradicts'
  }
  if (refund.approvedAt !== null || (isCancel && wasSent)) return 'contradicts'
  if (isCancel) return { ...refund, refusedAt: now }
  const { reason: failureReason, gateway_response: pspAnswer } = event
  return { ...refund, refusedAt: now, failureReason, pspAnswer }
}

/**
 * The PSP takes back only what it gave, so this proves that it did. That a refund which was refused
 * was paid after all is a fact of its own, on another topic: it may come later, and decides where
 * the money goes.
 */
function reversed(refund: Refund, { psp }: RefundReversed, now: Date): Refund {
  if (refund.reversedAt !== null) return refund
  if (isRefused(refund)) return { ...refund, reversedAt: now }
  return { ...refund, reversedAt: now, approvedAt: refund.approvedAt ?? now, psp }
}

/** The ledger books only what was asked of it, so a posting proves what it was asked for. */
function posted(refund: Refund, event: FundsPosted, now: Date): Refund | 'contradicts' {
  if (event.kind === 'refund') {
    if (refund.creditedAt !== null) return refund
    const { end: creditedTo, psp } = event
    return { ...refund, creditedAt: now, creditedTo, approvedAt: refund.approvedAt ?? now, psp }
  }
  if (event.kind !== 'recapture') return 'contradicts'
  if (refund.recapturedAt !== null) return refund
  const { end: recapturedFrom } = event
  return { ...refund, recapturedAt: now, recapturedFrom, reversedAt: refund.reversedAt ?? now }
}
