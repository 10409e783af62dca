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
