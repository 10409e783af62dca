import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { PostingEnd } from '@caudal/contracts/events/postings.ts'
import type { RefundCause, RefundReason } from '@caudal/contracts/reasons.ts'
import type { REFUND_STATUSES } from '@caudal/contracts/refund-views.ts'

/** The states of a refund. */
export type RefundStatus = (typeof REFUND_STATUSES)[number]

/**
 * Who asked for a refund: a client; nobody here, since it was found at the PSP; or we, since the
 * PSP moved the money of a payment that had failed.
 */
export type RefundOrigin = 'client' | 'psp' | 'late_capture'

/**
 * A refund as stored. The times are facts, each known once; the status follows from them, so that
 * it does not depend on the order in which they arrive.
 */
export interface Refund {
  refundId: string
  paymentId: string
  tenantId: string
  userId: string
  accountId: string
  amountMinor: bigint
  currency: string
  origin: RefundOrigin
  cause: RefundCause
  /** The client's; never interpreted. */
  metadata: Readonly<Record<string, string>>
  /** 32 hexadecimal digits: the trace of the request. */
  traceId: string
  createdAt: Date
  status: RefundStatus
  failureReason: RefundReason | null
  /** Counts the states, from 1. */
  version: number
  psp: string | null
  pspAnswer: PspAnswer | null
  /** When the status last changed. */
  updatedAt: Date
  submittedAt: Date | null
  inDoubtAt: Date | null
  /** The PSP gave the money back; the wallet is not credited yet. */
  approvedAt: Date | null
  /** The PSP did not, or it was canceled: then `failureReason` is null. */
  refusedAt: Date | null
  creditedAt: Date | null
  creditedTo: PostingEnd | null
  /** The PSP took the money back that it had given. */
  reversedAt: Date | null
  recapturedAt: Date | null
  recapturedFrom: PostingEnd | null
}

/** What a refund takes of the captured amount of its payment. */
export interface RefundShare {
  pendingMinor: bigint
  refundedMinor: bigint
}

const NOTHING: RefundShare = { pendingMinor: 0n, refundedMinor: 0n }

/** The status that follows from the facts. SUCCEEDED is shown only once the money is credited. */
export function refundStatusOf(refund: Refund): RefundStatus {
  if (refund.creditedAt !== null) return refund.recapturedAt === null ? 'SUCCEEDED' : 'REVERSED'
  if (refund.refusedAt !== null) return refund.failureReason === null ? 'CANCELED' : 'FAILED'
  if (refund.inDoubtAt !== null) return 'IN_DOUBT'
  return refund.submittedAt === null && refund.approvedAt === null ? 'PENDING' : 'SUBMITTED'
}

/**
 * The share that follows from the facts. A refund that failed takes none, unless it turned out to
 * be paid. A late capture is no part of what the payment captured.
 */
export function shareOf(refund: Refund): RefundShare {
  const { amountMinor, approvedAt, creditedAt, recapturedAt, refusedAt, origin } = refund
  if (origin === 'late_capture' || recapturedAt !== null) return NOTHING
  if (creditedAt !== null) return { pendingMinor: 0n, refundedMinor: amountMinor }
  if (refusedAt !== null && approvedAt === null) return NOTHING
  return { pendingMinor: amountMinor, refundedMinor: 0n }
}

/** Whether nothing more is expected of the refund. */
export function isFinalRefund({ status }: Pick<Refund, 'status'>): boolean {
  return status !== 'PENDING' && status !== 'SUBMITTED' && status !== 'IN_DOUBT'
}
