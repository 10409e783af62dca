/** Why a payment failed: a closed list. The codes of the PSP stay in gateway_response. */
export const FAILURE_REASONS = [
  'insufficient_funds',
  'account_not_found',
  'account_frozen',
  'currency_mismatch',
  'gateway_declined',
  'gateway_unavailable',
  'gateway_unreachable',
  'circuit_open',
  'canceled',
] as const

export type FailureReason = (typeof FAILURE_REASONS)[number]

/** Refusals of the wallet: no hold was made. */
export const WALLET_REASONS = [
  'insufficient_funds',
  'account_not_found',
  'account_frozen',
  'currency_mismatch',
] as const

export type WalletReason = (typeof WALLET_REASONS)[number]

/** Failures at the PSP: the hold must be released. */
export const PSP_REASONS = [
  'gateway_declined',
  'gateway_unavailable',
  'gateway_unreachable',
  'circuit_open',
] as const

export type PspReason = (typeof PSP_REASONS)[number]

/** The reason of what was canceled before it was sent. It has events of its own. */
export const CANCELED = 'canceled'

/** Why a refund failed: at the PSP, or because it may not be sent there. No money moved. */
export const REFUND_REASONS = [
  ...PSP_REASONS,
  'not_refundable',
  'refund_exceeds_payment',
  'refund_window_closed',
] as const

export type RefundReason = (typeof REFUND_REASONS)[number]

/** Why a client asks for a refund. */
export const REFUND_CAUSES = [
  'requested_by_customer',
  'duplicate',
  'fraudulent',
  'not_delivered',
  'other',
] as const

export type RefundCause = (typeof REFUND_CAUSES)[number]

/** How a dispute of the payer ends: the payment stands, or its money comes back. */
export const DISPUTE_OUTCOMES = ['won', 'lost'] as const

export type DisputeOutcome = (typeof DISPUTE_OUTCOMES)[number]

/** Why something needs a person (money-flows, sections 1 to 3). */
export const CASE_REASONS = [
  'failure_after_success',
  'success_after_failure',
  'amount_mismatch',
  'currency_mismatch',
  'refund_exceeds_captured',
  'return_exceeds_captured',
  'return_of_unpaid_payment',
  'return_unmatched',
  'wallet_not_creditable',
  'receivable',
  'operation_unknown',
  'payment_disputed',
  'dispute_outcome_changed',
  'outcome_unknown',
] as const

export type CaseReason = (typeof CASE_REASONS)[number]
