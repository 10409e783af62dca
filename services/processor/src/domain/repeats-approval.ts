import type { CallbackFact } from './callback-fact.ts'

/** A payment that its PSP approved, with the PSP's transaction. */
export type ApprovedPayment = {
  psp: string
  tenantId: string
  transactionId: string | null
  amountMinor: bigint
  currency: string
}

/**
 * Whether a fact repeats the approval of a payment that has COMPLETED, as most callbacks do.
 * Neither that state nor its transaction ever changes, so the fact changes nothing whenever it is
 * applied, and no lock is needed to know it.
 */
export function repeatsApproval(
  psp: string,
  { kind, state, itsId, amountMinor, currency }: CallbackFact,
  payment: ApprovedPayment,
): boolean {
  if (kind !== 'pay' || state !== 'approved' || psp !== payment.psp) return false
  if (itsId === null || itsId !== payment.transactionId) return false
  if (currency !== null && currency !== payment.currency) return false
  return amountMinor === null || amountMinor === payment.amountMinor
}
