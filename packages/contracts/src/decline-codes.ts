/**
 * Why a PSP declined an operation, in words of our own beside the PSP's (E7). An adapter translates
 * the PSP's codes; one that it does not know is `other`.
 */
export const DECLINE_CODES = [
  'account_closed',
  'account_invalid',
  'amount_not_allowed',
  'currency_not_supported',
  'declined_by_bank',
  'insufficient_funds',
  'suspected_fraud',
  'payment_unknown',
  'already_settled',
  'already_reversed',
  'nothing_left_to_refund',
  'refund_window_closed',
  'other',
] as const

export type DeclineCode = (typeof DECLINE_CODES)[number]
