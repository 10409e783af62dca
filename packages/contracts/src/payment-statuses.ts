/** The states of a payment. They only move forward; the last two are final. */
export const PAYMENT_STATUSES = ['PENDING', 'RESERVED', 'IN_DOUBT', 'COMPLETED', 'FAILED'] as const
