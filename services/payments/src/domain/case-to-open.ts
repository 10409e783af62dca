import type { CaseOpened } from '@caudal/contracts/events/returns.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'

/** Something that needs a person. `detail` is a sentence of our own. */
export interface CaseToOpen {
  reason: CaseReason
  subject: CaseOpened['subject']
  detail: string
  tenantId: string
  accountId: string
  /** The payment and its user, where they are known. */
  payment: { paymentId: string; userId: string } | null
  amountMinor: bigint | null
  currency: string | null
}
