import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Check } from './check.ts'
import { walkPayments } from './walk-payments.ts'

/** P5: the PSP has exactly one charge with the right amount for each completed payment. */
export const completedChargedOnce: Check = {
  name: 'completed_charged_once',
  needs: ['payments', 'psp'],
  async run({ payments, charges }) {
    const violations: string[] = []
    let checked = 0
    const known = new Set<string>()
    for await (const page of walkPayments(payments)) {
      for (const { payment_id: id, status, amount_minor: minor, currency } of page) {
        const own = charges.get(id) ?? []
        if (own.length > 0) known.add(id)
        if (own.length > 1) violations.push(`payment ${id} was charged ${own.length} times`)
        if (status !== 'COMPLETED') continue
        checked += 1
        const [charge] = own
        const amount = formatAmount(minor, currency)
        if (!charge) violations.push(`payment ${id} is COMPLETED, but the PSP has no charge for it`)
        else if (charge.amount !== amount || charge.currency !== currency) {
          const found = `${charge.amount} ${charge.currency}`
          violations.push(
            `payment ${id}: expected a charge of ${amount} ${currency}, found ${found}`,
          )
        }
      }
    }
    for (const id of charges.keys()) {
      if (!known.has(id)) violations.push(`the PSP charged payment ${id}, which does not exist`)
    }
    return { checked, violations }
  },
}

/** P5: the PSP has no charge for a failed payment. */
export const failedNotCharged: Check = {
  name: 'failed_not_charged',
  needs: ['payments', 'psp'],
  async run({ payments, charges }) {
    const violations: string[] = []
    let checked = 0
    for await (const page of walkPayments(payments)) {
      for (const { payment_id: id, status } of page) {
        if (status !== 'FAILED') continue
        checked += 1
        if (charges.has(id)) violations.push(`payment ${id} is FAILED, but the PSP charged it`)
      }
    }
    return { checked, violations }
  },
}
