import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { ReturnedMoney } from '../../domain/returned-money.ts'

/** What this service knows of returns of a payment, as steps of it, in no order. */
export function returnSteps(returns: readonly ReturnedMoney[]): PaymentStep[] {
  return returns.flatMap((returned) => {
    const { returnId, amountMinor, currency, reason, reasonCode, psp } = returned
    const amount = `${formatAmount(amountMinor, currency)} ${currency}`
    const received = `${amount} came back to ${psp}: ${reason} (${reasonCode}), return ${returnId}`
    const steps = [stepAt(returned.receivedAt, 'return.received', received)]
    if (returned.status === 'CREDITED') {
      steps.push(stepAt(returned.updatedAt, 'return.credited', `${amount} to the wallet`))
    }
    if (returned.status === 'SUSPENDED') {
      const why = `${amount} in suspense: ${returned.suspendedFor}`
      steps.push(stepAt(returned.updatedAt, 'return.suspended', why))
    }
    return steps
  })
}

/** A step of a payment. */
export function stepAt(at: Date, step: string, detail: string): PaymentStep {
  return { at: at.toISOString(), step, detail }
}
