/** Why a bank returned money, in words of our own beside the bank's (money-flows, section 2). */
export const RETURN_CODES = [
  'account_invalid',
  'account_closed',
  'account_blocked',
  'duplicate',
  'cancellation_requested',
  'payment_reversed',
  'dispute_lost',
  'not_specified',
  'other',
] as const

export type ReturnCode = (typeof RETURN_CODES)[number]

/** Codes of ISO 20022, ExternalReturnReason1Code. */
const ISO_RETURN_CODES: Readonly<Record<string, ReturnCode>> = {
  AC01: 'account_invalid',
  AC04: 'account_closed',
  AC06: 'account_blocked',
  AM05: 'duplicate',
  FOCR: 'cancellation_requested',
  MS03: 'not_specified',
}

/** The unified code of an ISO 20022 reason; `other` if it is not known. */
export function returnCodeOf(isoReason: string): ReturnCode {
  return Object.hasOwn(ISO_RETURN_CODES, isoReason) ? ISO_RETURN_CODES[isoReason]! : 'other'
}
