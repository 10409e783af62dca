import type { CaseReason } from '@caudal/contracts/reasons.ts'
import type { PaymentBooks } from './walk-payment-books.ts'

/** Why money that a PSP reported was not booked: the reasons of the cases about it. */
export const NOT_BOOKED = ['amount_mismatch', 'currency_mismatch', 'operation_unknown'] as const

/** Whether a case with one of the reasons is about exactly this payment, refund or return. */
export function hasCase(
  { cases }: Pick<PaymentBooks, 'cases'>,
  subjectId: string,
  ...reasons: readonly CaseReason[]
): boolean {
  return cases.some((one) => one.subject_id === subjectId && reasons.includes(one.reason))
}
