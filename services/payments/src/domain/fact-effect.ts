import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import type { CaseToOpen } from './case-to-open.ts'
import type { Dispute } from './dispute.ts'
import type { FoundRefund } from './found-refund.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import type { ReturnedMoney } from './returned-money.ts'

/** A destination to which no payment is sent again. */
export interface BlockedDestination {
  tenantId: string
  serviceBankCode: string
  serviceAccountNumber: string
  returnId: string
  reasonCode: string
  blockedAt: Date
}

/** What a fact changes: rows that are new or changed, and what follows from them. */
export interface FactEffect {
  payment?: Payment
  /** Refunds that exist because of the fact, as they are inserted. */
  created: Refund[]
  /** Refunds that it changes. */
  refunds: Refund[]
  returns: ReturnedMoney[]
  found: FoundRefund[]
  disputes: Dispute[]
  blocked: BlockedDestination[]
  emits: CaudalEvent[]
  cases: CaseToOpen[]
}

/** An effect with these parts. */
export function factEffect(parts: Partial<FactEffect>): FactEffect {
  return {
    created: [],
    refunds: [],
    returns: [],
    found: [],
    disputes: [],
    blocked: [],
    emits: [],
    cases: [],
    ...parts,
  }
}

/** What a case of each reason means, in one sentence for the person who reads it first. */
const CASE_DETAILS: Record<CaseReason, string> = {
  failure_after_success: 'The PSP reported a failure of what had succeeded. The state was kept.',
  success_after_failure:
    'The PSP moved money for a payment that had failed, and the wallet cannot pay. ' +
    'The amount is in suspense.',
  amount_mismatch: 'The PSP reported another amount than the known one.',
  currency_mismatch: 'The PSP reported another currency than that of the payment.',
  refund_exceeds_captured:
    'The PSP gave back more than it had captured. The amount is in suspense.',
  return_exceeds_captured:
    'More came back than was captured and not refunded. The amount is in suspense.',
  return_of_unpaid_payment: 'Money came back for a payment that failed. The amount is in suspense.',
  return_unmatched: 'Money came back that names no known payment. The amount is in suspense.',
  wallet_not_creditable:
    'Money came back, and the wallet could not be credited. The amount is in suspense.',
  receivable: 'Money left again that the wallet had spent. The user owes the amount.',
  operation_unknown: 'The PSP reported an operation that is not known.',
  payment_disputed: 'The payer disputes the payment. Refunds are refused until that ends.',
  dispute_outcome_changed:
    'The PSP reported another end of a dispute than before. The first one was kept.',
  outcome_unknown: 'What became of the operation at the PSP can no longer be learned.',
}

type Money = Pick<ReturnedMoney, 'tenantId' | 'accountId' | 'amountMinor' | 'currency'> & {
  paymentId: string | null
  userId: string | null
}

/** A case about money, with the detail of its reason. */
export function caseOf(
  money: Money,
  reason: CaseReason,
  subject: CaseToOpen['subject'],
): CaseToOpen {
  const { tenantId, accountId, amountMinor, currency } = money
  const detail = CASE_DETAILS[reason]
  return {
    reason,
    subject,
    detail,
    tenantId,
    accountId,
    payment: namedBy(money),
    amountMinor,
    currency,
  }
}

/** The payment and its user, where they are known. */
export function namedBy({ paymentId, userId }: Pick<Money, 'paymentId' | 'userId'>) {
  return paymentId === null || userId === null ? null : { paymentId, userId }
}
