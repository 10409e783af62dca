import type { Check } from './check.ts'
import { type PaymentRow, walkPayments } from './walk-payments.ts'

type HoldRow = {
  payment_id: string
  account_id: string
  amount_minor: bigint
  currency: string
  status: string
}

/** The allowed hold statuses for each payment status; 'none' means that there is no hold. */
const ALLOWED: Record<string, readonly string[]> = {
  PENDING: ['none', 'open', 'refused'],
  RESERVED: ['open', 'committed', 'released'],
  IN_DOUBT: ['open'],
  COMPLETED: ['committed'],
  FAILED: ['released', 'refused'],
}

/**
 * P9: the hold of every payment has a status that fits the payment's, for the same account and
 * amount; no hold is left over and no payment is stuck.
 */
export const holdsMatchPayments: Check = {
  name: 'holds_match_payments',
  needs: ['payments', 'wallets'],
  async run({ payments, wallets, isIdle }) {
    const violations: string[] = []
    let checked = 0
    let matched = 0
    for await (const page of walkPayments(payments)) {
      const { rows } = await wallets.query<HoldRow>(
        `SELECT payment_id, account_id, amount_minor, currency, status
         FROM holds WHERE hold_key = ANY($1::uuid[]) AND payment_id IS NOT NULL`,
        [page.map((payment) => payment.payment_id)],
      )
      const holds = new Map(rows.map((hold) => [hold.payment_id, hold]))
      for (const payment of page) {
        const hold = holds.get(payment.payment_id)
        if (hold) matched += 1
        const wrong = compare(payment, hold) ?? (isIdle ? stuck(payment) : undefined)
        if (wrong) violations.push(`payment ${payment.payment_id} is ${payment.status}, ${wrong}`)
      }
      checked += page.length
    }
    const { rows } = await wallets.query<{ holds: bigint }>(
      'SELECT count(*) AS holds FROM holds WHERE payment_id IS NOT NULL',
    )
    const orphans = Number(rows[0]!.holds) - matched
    if (orphans > 0) violations.push(`${orphans} holds belong to payments that do not exist`)
    return { checked, violations }
  },
}

/** In an idle system, only a payment in doubt may be unfinished: it waits for the PSP. */
function stuck({ status }: PaymentRow): string | undefined {
  return status === 'PENDING' || status === 'RESERVED' ? 'and makes no progress' : undefined
}

function compare(payment: PaymentRow, hold: HoldRow | undefined): string | undefined {
  const state = hold?.status ?? 'none'
  if (!ALLOWED[payment.status]?.includes(state)) return `its hold is ${state}`
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
