import type { PostingEnd, PostingKindOfEvents } from '@caudal/contracts/events/postings.ts'
import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'

/** A posting of a payment, as it was booked. */
export interface PaymentPosting {
  kind: PostingKindOfEvents
  sourceId: string
  accountId: string
  amountMinor: bigint
  currency: string
  end: PostingEnd
  bookedAt: Date
}

const STEPS: Readonly<Record<PostingKindOfEvents, string>> = {
  refund: 'funds.refunded',
  return: 'funds.returned',
  recapture: 'funds.recaptured',
}

/** What the ledger booked of a payment's refunds and returns (P11). */
export function postingSteps(postings: readonly PaymentPosting[]): PaymentStep[] {
  return postings.map((posting) => ({
    at: posting.bookedAt.toISOString(),
    step: STEPS[posting.kind],
    detail: detailOf(posting),
  }))
}

function detailOf(posting: PaymentPosting): string {
  const { kind, end, accountId, amountMinor, currency, sourceId } = posting
  const amount = `${formatAmount(amountMinor, currency)} ${currency}`
  const where = end === 'wallet' ? `account ${accountId}` : end
  return `${amount} ${kind === 'recapture' ? 'from' : 'to'} ${where}, for ${sourceId}`
}
