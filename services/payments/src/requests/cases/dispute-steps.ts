import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Dispute } from '../../domain/dispute.ts'
import { stepAt } from './return-steps.ts'

/** What this service knows of disputes of a payment, as steps of it, in no order. */
export function disputeSteps(disputes: readonly Dispute[]): PaymentStep[] {
  return disputes.flatMap(({ disputeId, amountMinor, currency, reason, psp, ...dispute }) => {
    const amount = `${formatAmount(amountMinor, currency)} ${currency}`
    const opened = `${amount} at ${psp}: ${reason}, dispute ${disputeId}`
    const steps = [stepAt(dispute.receivedAt, 'dispute.opened', opened)]
    const { outcome, updatedAt } = dispute
    if (outcome !== null) {
      steps.push(stepAt(updatedAt, 'dispute.closed', `${outcome}, dispute ${disputeId}`))
    }
    return steps
  })
}
