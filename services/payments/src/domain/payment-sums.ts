import { type Payment, refundableOf } from './payment.ts'

/**
 * Whether no later event can change how the payment ended: it is COMPLETED, or FAILED without a
 * success that is still being booked.
 */
export function isSettled({ status, lateCapture }: Payment): boolean {
  if (status === 'COMPLETED') return true
  return status === 'FAILED' && lateCapture !== 'RECEIVED' && lateCapture !== 'RECOVERING'
}

/** The payment with the mark that facts wait for its end; the same object if it has the mark. */
export function keepingFacts(payment: Payment): Payment {
  return payment.keepsFacts ? payment : { ...payment, keepsFacts: true }
}

/** Whether an amount that came back fits in what was captured and is not back yet. */
export function fitsInCaptured(payment: Payment, amountMinor: bigint): boolean {
  return payment.status === 'COMPLETED' && amountMinor <= refundableOf(payment)
}
