import type { NewCallback } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { PlannedOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import { callbacksOf } from './domain/callback-events.ts'
import { type DecidedPayment, PAYMENT_DECLINE } from './domain/payment-responses.ts'

/** The callbacks about the verdict of a payment. */
export function reportPayment(
  payment: DecidedPayment,
  { callback }: PlannedOutcome,
): NewCallback[] {
  const { paymentId, verdict } = payment
  const reasonCode = verdict === 'failed' ? PAYMENT_DECLINE.error_code : null
  const subject = { kind: 'payment', subjectId: paymentId, ids: {}, reasonCode } as const
  return callbacksOf({ ...payment, ...subject }, callback)
}
