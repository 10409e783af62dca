import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { HoldHistory } from './hold-history.ts'

/** What the ledger knows of a payment, from its hold or refusal (P11). */
export function paymentSteps(hold: HoldHistory): PaymentStep[] {
  const amount = `${formatAmount(hold.amountMinor, hold.currency)} ${hold.currency}`
  const at = hold.createdAt.toISOString()
  const then = hold.changedAt.toISOString()
  const held: PaymentStep = {
    at,
    step: 'funds.held',
    detail: `${amount} of account ${hold.accountId}, hold ${hold.holdId}`,
  }
  switch (hold.status) {
    case 'open':
      return [held]
    case 'committed':
      return [held, { at: then, step: 'funds.committed', detail: `${amount} to PSP settlement` }]
    case 'released':
      return [held, { at: then, step: 'funds.released', detail: `${amount} available again` }]
    case 'refused':
      return [{ at, step: 'funds.refused', detail: `${hold.refusedFor}: ${amount}` }]
    default:
      return hold.status satisfies never
  }
}
