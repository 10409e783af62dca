import { formatAmount } from '@caudal/money/format-amount.ts'
import type { PaymentCheck } from './check.ts'

/** P5: the PSP has exactly one charge with the right amount for each completed payment. */
export const completedChargedOnce: PaymentCheck = {
  name: 'completed_charged_once',
  needs: ['payments', 'psp'],
  look({ payments, byId, charges }, add) {
    let checked = 0
    for (const {
      payment_id: id,
      status,
      amount_minor: minor,
      currency,
      updated_at: at,
    } of payments) {
      const own = charges.get(id) ?? []
      if (own.length > 1) add(`payment ${id} was charged ${own.length} times`)
      if (status !== 'COMPLETED') continue
      checked += 1
      const [charge] = own
      const amount = formatAmount(minor, currency)
      if (!charge) add(`payment ${id} is COMPLETED, but the PSP has no charge for it`, at)
      else if (charge.amount !== amount || charge.currency !== currency) {
        const found = `${charge.amount} ${charge.currency}`
        add(`payment ${id}: expected a charge of ${amount} ${currency}, found ${found}`)
      }
    }
    for (const [id, [charge]] of charges) {
      if (!byId.has(id)) add(`the PSP charged payment ${id}, which does not exist`, charge?.at)
    }
    return checked
  },
}

/** P5: the PSP has no charge for a failed payment. */
export const failedNotCharged: PaymentCheck = {
  name: 'failed_not_charged',
  needs: ['payments', 'psp'],
  look({ payments, charges }, add) {
    let checked = 0
    for (const { payment_id: id, status } of payments) {
      if (status !== 'FAILED') continue
      checked += 1
      if (charges.has(id)) add(`payment ${id} is FAILED, but the PSP charged it`)
    }
    return checked
  },
}
