/** The states of a payment. They only move forward; the last two are final. */
export const PAYMENT_STATUSES = ['PENDING', 'RESERVED', 'IN_DOUBT', 'COMPLETED', 'FAILED'] as const

/**
 * What is shown of a payment: its state, or what came back of one that is COMPLETED. The state
 * itself stays.
 */
export const SHOWN_STATUSES = [
  ...PAYMENT_STATUSES,
  'PARTIALLY_REFUNDED',
  'REFUNDED',
  'RETURNED',
] as const
