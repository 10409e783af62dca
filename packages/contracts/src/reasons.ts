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
