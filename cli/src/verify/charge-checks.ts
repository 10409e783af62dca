import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { findLostCaptures } from './came-back/late-captures.ts'
import { bankOf } from './came-back/rows.ts'
import type { PaymentCheck } from './check.ts'

/**
 * P5: one PSP has exactly one charge with the right amount for each completed payment, and no other
 * PSP has any.
 */
export const completedChargedOnce: PaymentCheck = {
  name: 'completed_charged_once',
  needs: ['payments', 'psp'],
  look({ payments, byId, charges, banks }, add) {
    let checked = 0
    for (const {
      payment_id: id,
      status,
      amount_minor: minor,
      currency,
      psp,
      updated_at: at,
    } of payments) {
      const own = charges.get(id) ?? []
      if (own.length > 1) add(`payment ${id} was charged ${own.length} times`)
      const bank = bankOf(psp)
      if (status !== 'COMPLETED' || !banks.has(bank)) continue
      checked += 1
      const [charge] = own
      if (charge && charge.bank !== bank) {
        add(`payment ${id} was paid at ${psp ?? DEFAULT_PSP}, but charged at another PSP`)
      }
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

/**
 * P5: no PSP has a charge for a failed payment. One that succeeded late is no mistake once the
 * money is accounted for: taken from the wallet (then it is COMPLETED), in suspense with a case, or
 * on its way back from the PSP (see `refunds_charged_once`).
 */
export const failedNotCharged: PaymentCheck = {
  name: 'failed_not_charged',
  needs: ['payments', 'psp'],
  look({ payments, charges }, add) {
    let checked = 0
    for (const { payment_id: id, status, late_capture: late, updated_at: at } of payments) {
      if (status !== 'FAILED') continue
      checked += 1
      const charge = charges.get(id)?.[0]
      if (!charge || late === 'SUSPENDED' || late === 'REFUNDING') continue
      add(`payment ${id} is FAILED, but the PSP charged it`, charge.at, late === null ? null : at)
    }
    return checked
  },
  lookAcross: findLostCaptures,
}
