import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Refund } from '../../domain/refund.ts'

/** What this service knows of refunds of a payment, as steps of it, in no order (P11). */
export function refundSteps(refunds: readonly Refund[]): PaymentStep[] {
  return refunds.flatMap(stepsOfRefund)
}

function stepsOfRefund(refund: Refund): PaymentStep[] {
  const { refundId, origin, cause, failureReason, creditedTo, recapturedFrom } = refund
  const amount = `${formatAmount(refund.amountMinor, refund.currency)} ${refund.currency}`
  const of = `refund ${refundId}`
  const why = origin === 'client' ? cause : ORIGINS[origin]
  const refused = failureReason === null ? 'refund.canceled' : 'refund.failed'
  const steps: [Date | null, string, string][] = [
    [refund.createdAt, 'refund.requested', `${amount}, ${why}, ${of}`],
    [refund.submittedAt, 'refund.submitted', `${of} is sent to the PSP`],
    [refund.inDoubtAt, 'refund.in_doubt', `the outcome of ${of} at the PSP is unknown`],
    [refund.refusedAt, refused, [failureReason, of].filter(Boolean).join(', ')],
    [refund.approvedAt, 'refund.approved', `by ${refund.psp ?? 'the PSP'}, ${of}`],
    [refund.creditedAt, 'refund.credited', `${amount} to ${creditedTo ?? ''}, ${of}`],
    [refund.reversedAt, 'refund.reversed', `the PSP took it back, ${of}`],
    [refund.recapturedAt, 'refund.recaptured', `${amount} from ${recapturedFrom ?? ''}, ${of}`],
  ]
  return steps.flatMap(([at, step, detail]) =>
    at === null ? [] : [{ at: at.toISOString(), step, detail }],
  )
}

const ORIGINS = {
  psp: 'found at the PSP',
  late_capture: 'since the PSP moved the money of a failed payment',
} as const
