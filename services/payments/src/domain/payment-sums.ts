import type { Payment } from './payment.ts'

/**
 * Whether no later event can change how the payment ended: it is COMPLETED, or FAILED without a
 * success that is still being booked.
 */
export function isSettled({ status, lateCapture }: Payment): boolean {
  if (status === 'COMPLETED') return true
  return status === 'FAILED' && lateCapture !== 'RECEIVED' && lateCapture !== 'RECOVERING'
}

/** What was captured and is neither back nor on its way. */
function leftOf({ amountMinor, refundedMinor, pendingMinor, returnedMinor }: Payment): bigint {
  return amountMinor - refundedMinor - pendingMinor - returnedMinor
}

/** Whether an amount that came back fits in what was captured and is not back yet. */
export function fitsInCaptured(payment: Payment, amountMinor: bigint): boolean {
  return payment.status === 'COMPLETED' && amountMinor <= leftOf(payment)
}
