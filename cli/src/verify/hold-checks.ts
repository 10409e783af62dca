import type { PaymentCheck } from './check.ts'
import type { HoldRow, WalkedPayment } from './walk-payments.ts'

/** The allowed hold statuses for each status of a payment; 'none' means that there is no hold. */
const ALLOWED: Record<string, readonly string[]> = {
  PENDING: ['none', 'open', 'refused'],
  RESERVED: ['open', 'committed', 'released'],
  IN_DOUBT: ['open'],
  COMPLETED: ['committed'],
  FAILED: ['released', 'refused'],
  // It succeeded after its funds were released, and the wallet was debited without a hold.
  RECOVERED: ['released'],
}

/**
 * P9: the hold of every payment has a status that fits the payment's, for the same account and
 * amount, and no hold is left over. A payment that is not final is no violation: it is reported as
 * open.
 */
export const holdsMatchPayments: PaymentCheck = {
  name: 'holds_match_payments',
  needs: ['payments', 'wallets'],
  look({ payments, byId, holds }, add) {
    for (const payment of payments) {
      const hold = holds.get(payment.payment_id)
      const wrong = compare(payment, hold)
      if (!wrong) continue
      const message = `payment ${payment.payment_id} is ${payment.status}, ${wrong}`
      add(message, payment.updated_at, hold?.changed_at)
    }
    for (const { payment_id: id, status, changed_at: at } of holds.values()) {
      if (byId.has(id)) continue
      add(`a hold (${status}) belongs to payment ${id}, which does not exist`, at)
    }
    return payments.length
  },
}

function compare(payment: WalkedPayment, hold: HoldRow | undefined): string | undefined {
  const state = hold?.status ?? 'none'
  const reached = payment.late_capture === 'RECOVERED' ? 'RECOVERED' : payment.status
  if (!ALLOWED[reached]?.includes(state)) return `its hold is ${state}`
  // A refused hold stores the requested values; its account need not exist.
  if (!hold || hold.status === 'refused') return undefined
  if (hold.account_id !== payment.account_id) return `its hold is on account ${hold.account_id}`
  if (hold.amount_minor !== payment.amount_minor || hold.currency !== payment.currency) {
    return (
      `expected ${payment.amount_minor} ${payment.currency} held, ` +
      `found ${hold.amount_minor} ${hold.currency}`
    )
  }
  return undefined
}
