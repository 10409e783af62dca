import type { CaseReason } from '@caudal/contracts/reasons.ts'
import type { OfPayment } from '../sorted-reader.ts'

/** The simulated banks whose books are read. */
export type Bank = 'psp' | 'asyncbank'

/** The bank at which the PSP of this name keeps its books; null is the default PSP. */
export function bankOf(psp: string | null): Bank {
  return psp === 'asyncbank' ? 'asyncbank' : 'psp'
}

/** Money that came back, as a bank's books have it. */
export type Moved = OfPayment & {
  bank: Bank
  kind: 'refund' | 'void' | 'return' | 'reversal' | 'dispute'
  movement_id: string
  /** The refund that a reversal took back; null if it took back the payment. */
  refund_id: string | null
  gateway_id: string
  charge_id: string | null
  amount: string
  currency: string
  at: Date
}

/** A refund of ours. */
export type CheckedRefund = OfPayment & {
  refund_id: string
  amount_minor: bigint
  currency: string
  status: string
  psp: string | null
  origin: 'client' | 'psp' | 'late_capture'
  credited_to: string | null
  recaptured_from: string | null
  updated_at: Date
}

/** Money that the PSP gave back without a refund of ours that was under way. */
export type CheckedFoundRefund = OfPayment & {
  refund_id: string
  status: string
  suspended_for: CaseReason | null
  updated_at: Date
}

/** Money that came back without a request. */
export type CheckedReturn = OfPayment & {
  return_id: string
  psp: string
  amount_minor: bigint
  /** What of it the bank kept. */
  charges_minor: bigint
  currency: string
  status: string
  suspended_for: CaseReason | null
  updated_at: Date
  /** The first evidence named no payment. */
  is_named_later: boolean
}

/** What the ledger booked for a PSP. */
export type CheckedPosting = OfPayment & {
  posting_id: string
  kind: string
  source_type: string
  source_id: string
  amount_minor: bigint
  /** What of it the fees account bears. */
  charges_minor: bigint
  currency: string
  other_end: string
  booked_at: Date
}

/** A refund or void that the processor carries out. */
export type CheckedOperation = OfPayment & {
  operation_id: string
  request_id: string
  kind: string
  status: string
  psp: string | null
  changed_at: Date
}

/** A case about a payment. */
export type CheckedCase = OfPayment & { subject_id: string; reason: CaseReason }

/** The facts of a payment that something came back of. */
export type CheckedPayment = OfPayment & { psp: string | null; status: string }
