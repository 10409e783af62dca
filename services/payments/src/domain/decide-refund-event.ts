import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import type { RefundFinalized } from '@caudal/contracts/events/refunds.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { CaseToOpen } from './case-to-open.ts'
import type { EventContext } from './event-context.ts'
import { evolveRefund, type RefundEvent } from './evolve-refund.ts'
import type { Payment } from './payment.ts'
import { type Refund, shareOf } from './refund.ts'
import { requestPosting } from './request-posting.ts'

/** What a change of a refund means for its payment, the ledger and its user. */
export interface RefundEffect {
  payment: Payment
  refund: Refund
  emits: (PostingRequested | RefundFinalized)[]
  cases: CaseToOpen[]
}

/** What an event means for a refund; null if it changes nothing. */
export function decideRefundEvent(
  { payment, refund }: { payment: Payment; refund: Refund },
  event: RefundEvent,
  context: EventContext,
): RefundEffect | 'contradicts' | null {
  const after = evolveRefund(refund, event, context.now)
  if (after === 'contradicts') return 'contradicts'
  if (after === refund) return null
  return effectOf({ payment, before: refund, after, actor: event.actor }, context)
}

/**
 * What follows when a refund changes from `before` to `after`: the sums of its payment, each
 * posting once, `refund.finalized` for a state that ends it, and a case where the money did not
 * move as it was wanted.
 */
export function effectOf(
  change: { payment: Payment; before: Refund; after: Refund; actor: Actor },
  context: EventContext,
): RefundEffect {
  const { payment, before, after } = change
  const finalized = finalizedOf(change, context)
  return {
    payment: withShares(payment, { before, after }, context.now),
    refund: after,
    emits: [...postingsOf(change, context), ...(finalized === null ? [] : [finalized])],
    cases: casesOf(before, after),
  }
}

/** The payment with the sums that the refund changes; the same object if it changes none. */
export function withShares(
  payment: Payment,
  { before, after }: { before: Refund | null; after: Refund },
  now: Date,
): Payment {
  const was = before === null ? { pendingMinor: 0n, refundedMinor: 0n } : shareOf(before)
  const is = shareOf(after)
  const pending = is.pendingMinor - was.pendingMinor
  const refunded = is.refundedMinor - was.refundedMinor
  if (pending === 0n && refunded === 0n) return payment
  return {
    ...payment,
    pendingMinor: payment.pendingMinor + pending,
    refundedMinor: payment.refundedMinor + refunded,
    // Its shown status follows from what is refunded.
    updatedAt: refunded === 0n ? payment.updatedAt : now,
  }
}

/**
 * Credit at the PSP's approval. What was reversed is taken back only when it is known where the
 * credit went, so that both come from one place.
 */
function postingsOf(
  { payment, before, after, actor }: Parameters<typeof effectOf>[0],
  context: EventContext,
): PostingRequested[] {
  const source = { type: 'refund', id: after.refundId } as const
  const common = {
    source,
    psp: after.psp ?? payment.psp ?? DEFAULT_PSP,
    currency: after.currency,
    amountMinor: after.amountMinor,
    tenantId: after.tenantId,
    accountId: after.accountId,
    payment: { paymentId: after.paymentId, userId: after.userId },
    actor,
  }
  const postings: PostingRequested[] = []
  if (isToCredit(after) && !isToCredit(before)) {
    const end = after.origin === 'late_capture' ? 'suspense' : 'wallet'
    const otherwise = 'suspense'
    postings.push(requestPosting({ ...common, kind: 'refund', end, otherwise }, context))
  }
  if (isToRecapture(after) && !isToRecapture(before)) {
    const ends =
      after.creditedTo === 'suspense'
        ? ({ end: 'suspense', otherwise: 'suspense' } as const)
        : ({ end: 'wallet', otherwise: 'receivable' } as const)
    postings.push(requestPosting({ ...common, kind: 'recapture', ...ends }, context))
  }
  return postings
}

function isToCredit({ approvedAt, creditedAt }: Refund): boolean {
  return approvedAt !== null && creditedAt === null
}

function isToRecapture({ reversedAt, creditedAt, recapturedAt }: Refund): boolean {
  return reversedAt !== null && creditedAt !== null && recapturedAt === null
}

/** Not for a late capture: the user's payment failed, and the money is not the user's yet. */
function finalizedOf(
  { payment, before, after, actor }: Parameters<typeof effectOf>[0],
  { now, region, mintId }: EventContext,
): RefundFinalized | null {
  const { status } = after
  if (status === before.status || after.origin === 'late_capture') return null
  if (status === 'PENDING' || status === 'SUBMITTED' || status === 'IN_DOUBT') return null
  return {
    event_id: mintId(),
    event_type: 'refund.finalized',
    timestamp: now.toISOString(),
    schema_version: schemaVersionOf('refund.finalized'),
    region,
    actor,
    tenant_id: after.tenantId,
    account_id: after.accountId,
    payment_id: after.paymentId,
    user_id: after.userId,
    refund_id: after.refundId,
    amount: formatAmount(after.amountMinor, after.currency),
    currency: after.currency,
    service_name: payment.serviceName,
    status,
    failure_reason: status === 'FAILED' ? after.failureReason : null,
    version: after.version,
  }
}

/** The money of a late success stays at its payee: the refund failed, or was taken back. */
function isNotRefunded({ status }: Refund): boolean {
  return status === 'FAILED' || status === 'CANCELED' || status === 'REVERSED'
}

function casesOf(before: Refund, after: Refund): CaseToOpen[] {
  const { tenantId, accountId, paymentId, userId, amountMinor, currency } = after
  const common = {
    subject: { type: 'refund', id: after.refundId },
    tenantId,
    accountId,
    payment: { paymentId, userId },
    amountMinor,
    currency,
  } as const
  const cases: CaseToOpen[] = []
  const isStranded = after.creditedTo === 'suspense' && after.origin !== 'late_capture'
  if (isStranded && before.creditedAt === null) {
    const detail = 'The refunded money is in suspense: the wallet could not be credited.'
    cases.push({ ...common, reason: 'wallet_not_creditable', detail })
  }
  const isLost = after.origin === 'late_capture' && isNotRefunded(after) && !isNotRefunded(before)
  if (isLost) {
    const detail = 'The PSP did not refund a payment that it had made although the payment failed.'
    cases.push({ ...common, reason: 'success_after_failure', detail })
  }
  if (after.recapturedFrom === 'receivable' && before.recapturedAt === null) {
    const detail = 'The PSP took a refund back, and the wallet has too little: the user owes it.'
    cases.push({ ...common, reason: 'receivable', detail })
  }
  return cases
}
