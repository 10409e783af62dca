import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type {
  FundsPosted,
  PostingEnd,
  PostingRequested,
} from '@caudal/contracts/events/postings.ts'
import { newId, postingIdOf } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { RefundEvent } from '../src/domain/evolve-refund.ts'
import type { Payment } from '../src/domain/payment.ts'
import type { Refund, RefundStatus } from '../src/domain/refund.ts'
import { pendingPayment, STORY_TIME } from './stories.ts'

/** A payment of 100.00 that was captured, with refunds of these amounts just requested. */
export function withRefunds(...amounts: bigint[]): { payment: Payment; refunds: Refund[] } {
  const payment = pendingPayment({
    amountMinor: 10_000n,
    status: 'COMPLETED',
    finalizedAt: STORY_TIME,
    psp: 'main',
    pendingMinor: amounts.reduce((sum, amount) => sum + amount, 0n),
  })
  const refunds = amounts.map((amountMinor) => pendingRefund(payment, { amountMinor }))
  return { payment, refunds }
}

/** A refund that a client has just requested. */
export function pendingRefund(payment: Payment, over: Partial<Refund> = {}): Refund {
  return {
    refundId: newId(),
    paymentId: payment.paymentId,
    tenantId: payment.tenantId,
    userId: payment.userId,
    accountId: payment.accountId,
    amountMinor: 1_000n,
    currency: payment.currency,
    origin: 'client',
    cause: 'requested_by_customer',
    metadata: {},
    traceId: payment.traceId,
    createdAt: STORY_TIME,
    status: 'PENDING',
    failureReason: null,
    version: 1,
    psp: null,
    pspAnswer: null,
    updatedAt: STORY_TIME,
    submittedAt: null,
    inDoubtAt: null,
    approvedAt: null,
    refusedAt: null,
    creditedAt: null,
    creditedTo: null,
    reversedAt: null,
    recapturedAt: null,
    recapturedFrom: null,
    ...over,
  }
}

/** All events of other services about a refund, each with its own id. */
export function refundEventsOf(refund: Refund) {
  const envelope = () => ({
    event_id: newId(),
    timestamp: '2026-03-01T12:00:01.000Z',
    schema_version: schemaVersionOf('refund.requested'),
    actor: { type: 'system', id: 'processor' } as const,
    region: 'test',
    tenant_id: refund.tenantId,
    account_id: refund.accountId,
    payment_id: refund.paymentId,
    user_id: refund.userId,
    amount: formatAmount(refund.amountMinor, refund.currency),
    currency: refund.currency,
  })
  const common = () => ({ ...envelope(), refund_id: refund.refundId })
  const atPsp = () => ({ ...common(), psp: 'main', method: 'refund' as const })
  const source = { type: 'refund' as const, id: refund.refundId }
  const posted = (kind: 'refund' | 'recapture', end: PostingEnd): FundsPosted => ({
    ...envelope(),
    event_type: 'funds.posted',
    posting_id: postingIdOf(kind, source),
    kind,
    source,
    psp: 'main',
    end,
    wallet_transaction_id: newId(),
  })
  const answer = (status: string) => ({ status, gateway_transaction_id: `psp-${refund.refundId}` })
  return {
    submitted: (): RefundEvent => ({ ...atPsp(), event_type: 'refund.submitted' }),
    inDoubt: (): RefundEvent => ({ ...atPsp(), event_type: 'refund.in_doubt' }),
    succeeded: (): RefundEvent => ({
      ...atPsp(),
      event_type: 'refund.succeeded',
      gateway_response: answer('approved'),
    }),
    failed: (): RefundEvent => ({
      ...common(),
      event_type: 'refund.failed',
      reason: 'gateway_declined',
      gateway_response: answer('failed'),
    }),
    canceled: (): RefundEvent => ({ ...common(), event_type: 'refund.canceled' }),
    reversed: (): RefundEvent => ({ ...atPsp(), event_type: 'refund.reversed' }),
    credited: (end: PostingEnd = 'wallet'): RefundEvent => posted('refund', end),
    recaptured: (end: PostingEnd = 'wallet'): RefundEvent => posted('recapture', end),
  }
}

/** The ledger's answer to a posting that was asked for. */
export function answerOf(posting: PostingRequested, end: PostingEnd = posting.end): FundsPosted {
  const { otherwise: _, ...rest } = posting
  return {
    ...rest,
    event_id: newId(),
    event_type: 'funds.posted',
    end,
    wallet_transaction_id: newId(),
  }
}

/** The courses of a refund at the PSP, as events; what the ledger books follows from them. */
export const REFUND_STORIES = {
  refunded: (it) => [it.submitted(), it.succeeded()],
  refundedAfterDoubt: (it) => [it.submitted(), it.inDoubt(), it.succeeded()],
  declined: (it) => [it.submitted(), it.failed()],
  declinedAfterDoubt: (it) => [it.submitted(), it.inDoubt(), it.failed()],
  refusedAtOnce: (it) => [it.failed()],
  canceled: (it) => [it.canceled()],
  stillSubmitted: (it) => [it.submitted()],
  stillInDoubt: (it) => [it.submitted(), it.inDoubt()],
  reversed: (it) => [it.submitted(), it.succeeded(), it.reversed()],
} satisfies Record<string, (it: ReturnType<typeof refundEventsOf>) => RefundEvent[]>

export type RefundStory = keyof typeof REFUND_STORIES

/** Which state each story ends in once the ledger has booked everything. */
export const REFUND_ENDS: Record<RefundStory, RefundStatus> = {
  refunded: 'SUCCEEDED',
  refundedAfterDoubt: 'SUCCEEDED',
  declined: 'FAILED',
  declinedAfterDoubt: 'FAILED',
  refusedAtOnce: 'FAILED',
  canceled: 'CANCELED',
  stillSubmitted: 'SUBMITTED',
  stillInDoubt: 'IN_DOUBT',
  reversed: 'REVERSED',
}
