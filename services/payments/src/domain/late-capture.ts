import type { PostingEnd } from '@caudal/contracts/events/postings.ts'
import type { PaymentCapturedLate } from '@caudal/contracts/events/psp-facts.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { mismatchOf } from './mismatch-of.ts'
import type { LateCapture, Payment } from './payment.ts'

/** Where a payment stands after a step of its late success. */
export interface LateStep {
  payment: Payment
  /** The end of the recapture that the wallet is to book; undefined if nothing is to be booked. */
  end?: PostingEnd
  caseReason?: CaseReason
  /** The money goes back to the PSP's payer: a refund is to be requested there. */
  refund?: true
  /** The payment is COMPLETED now. */
  recovered?: true
}

/**
 * The PSP moved the money of a payment that failed, or is about to. The success is kept with the
 * payment, whatever its state. Another amount or currency than that of the payment books nothing. A
 * repeat changes nothing, and so does a payment that is COMPLETED.
 */
export function receiveLateCapture(payment: Payment, event: PaymentCapturedLate): LateStep {
  const { amount, currency } = event
  const caseReason = mismatchOf(payment, { amountMinor: parseAmount(amount, currency), currency })
  if (caseReason) return { payment, caseReason }
  if (payment.lateCapture !== null || payment.status === 'COMPLETED') return { payment }
  return {
    payment: {
      ...payment,
      lateCapture: 'RECEIVED',
      psp: event.psp,
      pspAnswer: event.gateway_response,
    },
  }
}

/** Whether a late success of the payment is to be decided now: the failure is final. */
export function isLateCaptureDue({ status, lateCapture }: Payment): boolean {
  return status === 'FAILED' && lateCapture === 'RECEIVED'
}

/**
 * Decides what pays for a success after the failure: the wallet if the order is free for the
 * payment, otherwise nobody, and the PSP is asked to refund it. Money of the payment that already
 * came back and waits in suspense pays first, so the wallet is not debited for it.
 */
export function decideLateCapture(
  payment: Payment,
  { occupies, suspendedMinor }: { occupies: boolean; suspendedMinor: bigint },
): LateStep {
  if (suspendedMinor >= payment.amountMinor) {
    return { payment: at(payment, 'SUSPENDED'), end: 'suspense' }
  }
  if (occupies) return { payment: at(payment, 'RECOVERING'), end: 'wallet' }
  return { payment: at(payment, 'REFUNDING'), end: 'suspense', refund: true }
}

/** The wallet booked the recapture of a late success. */
export function postLateCapture(
  payment: Payment,
  { end, now }: { end: PostingEnd; now: Date },
): LateStep {
  if (payment.lateCapture !== 'RECOVERING') return { payment }
  if (end !== 'wallet') {
    return { payment: at(payment, 'SUSPENDED'), caseReason: 'success_after_failure' }
  }
  return {
    payment: {
      ...at(payment, 'RECOVERED'),
      status: 'COMPLETED',
      reason: null,
      updatedAt: now,
      finalizedAt: now,
    },
    recovered: true,
  }
}

function at(payment: Payment, lateCapture: LateCapture): Payment {
  return { ...payment, lateCapture }
}
