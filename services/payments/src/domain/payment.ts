import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { PAYMENT_STATUSES, SHOWN_STATUSES } from '@caudal/contracts/payment-statuses.ts'
import type { FailureReason } from '@caudal/contracts/reasons.ts'

/** The states of a payment. They only move forward; the last two are final. */
export type Status = (typeof PAYMENT_STATUSES)[number]

/** What is shown of a payment: its state, or what came back of it. */
export type ShownStatus = (typeof SHOWN_STATUSES)[number]

/**
 * A payment as stored. `reason` is set when the verdict is known, and shown only with FAILED,
 * because FAILED means that the funds are available again.
 */
export interface Payment {
  paymentId: string
  tenantId: string
  userId: string
  /** The user's account in the payment's currency: the partition key of all its events. */
  accountId: string
  externalOrderId: string
  amountMinor: bigint
  currency: string
  serviceName: string
  status: Status
  reason: FailureReason | null
  pspAnswer: PspAnswer | null
  /** 32 hexadecimal digits: the trace of the request. */
  traceId: string
  createdAt: Date
  /** When the status last changed. */
  updatedAt: Date
  reservedAt: Date | null
  inDoubtAt: Date | null
  finalizedAt: Date | null
  /** The PSP that was paid. */
  psp: string | null
  /** What came back, as sums: credited refunds, all that is under way, credited returns. */
  refundedMinor: bigint
  pendingMinor: bigint
  returnedMinor: bigint
  /** Where it pays to; null for payments of releases that did not store it. */
  serviceAccountNumber: string | null
  serviceBankCode: string | null
  /** A success that was learnt after the failure; null without one. */
  lateCapture: LateCapture | null
  /** Whether returns or found refunds wait for the end of the payment. */
  keepsFacts: boolean
}

/**
 * Where a success after the failure stands. RECEIVED waits for the failure to be final. RECOVERING
 * occupies the order again until the wallet has paid: RECOVERED, or SUSPENDED if it could not.
 * REFUNDING: the order was paid by another payment, so the PSP is asked for the money.
 */
export type LateCapture = 'RECEIVED' | 'RECOVERING' | 'RECOVERED' | 'SUSPENDED' | 'REFUNDING'

/** Whether nothing can change the payment's outcome any more. */
export function isFinalStatus(status: Status): boolean {
  return status === 'COMPLETED' || status === 'FAILED'
}

/** What can still be given back of a captured payment, in minor units. */
export function refundableOf(payment: Payment): bigint {
  const { amountMinor, refundedMinor, pendingMinor, returnedMinor } = payment
  return amountMinor - refundedMinor - pendingMinor - returnedMinor
}

/** A payment stays COMPLETED; what is shown follows from what came back of it. */
export function shownStatusOf(payment: Payment): ShownStatus {
  const { status, amountMinor, refundedMinor, returnedMinor } = payment
  if (returnedMinor > 0n) return 'RETURNED'
  if (refundedMinor === 0n) return status
  return refundedMinor === amountMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED'
}
