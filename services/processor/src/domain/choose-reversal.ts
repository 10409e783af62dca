import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { RefundReason } from '@caudal/contracts/reasons.ts'
import type { Capabilities } from './capabilities.ts'
import type { Emission } from './decision.ts'
import type { OperationFacts, ReversalFacts } from './operation-facts.ts'
import type { OperationStatus } from './psp-operation.ts'

/**
 * A payment as its row knows it, with what was given back of it. It is COMPLETED here also if its
 * money moved after it had FAILED. Times in milliseconds.
 */
export type PaymentAtPsp = {
  tenantId: string
  status: OperationStatus
  psp: string | null
  gatewayTransactionId: string | null
  amountMinor: bigint
  currency: string
  destinationBank: string
  finishedAt: number | null
  /** The sum of its reversals that did not fail and were not taken back. */
  reversedMinor: bigint
}

/** What a refund asks for. */
export type RefundWish = { tenantId: string; amountMinor: bigint; currency: string }

/** How money goes back, or why it cannot. */
export type ReversalChoice =
  | { kind: 'refund' | 'void'; payment: PaymentAtPsp }
  | { kind: 'refused'; reason: RefundReason }

export type ChoiceContext = { now: number; psp: string; capabilities: Capabilities }

/**
 * Chooses how a refund is carried out at the PSP. A payment of which nothing was given back is
 * voided as a whole while the PSP still can. Everything else is refunded. What would give back more
 * than was paid is refused here too, though payments has checked it.
 */
export function chooseReversal(
  payment: PaymentAtPsp | undefined,
  refund: RefundWish,
  { now, psp, capabilities }: ChoiceContext,
): ReversalChoice {
  if (!payment || !isRefundable(payment, refund, psp)) return refused('not_refundable')
  const { amountMinor, reversedMinor, finishedAt } = payment
  if (reversedMinor + refund.amountMinor > amountMinor) return refused('refund_exceeds_payment')
  const ageMs = now - (finishedAt ?? now)
  const isWhole = reversedMinor === 0n && refund.amountMinor === amountMinor
  const { voidUntilMs, refundWindowMs } = capabilities
  if (isWhole && voidUntilMs !== null && ageMs < voidUntilMs) return { kind: 'void', payment }
  if (refundWindowMs !== null && ageMs >= refundWindowMs) return refused('refund_window_closed')
  return { kind: 'refund', payment }
}

function isRefundable(payment: PaymentAtPsp, refund: RefundWish, psp: string): boolean {
  return (
    payment.status === 'COMPLETED' &&
    payment.tenantId === refund.tenantId &&
    payment.currency === refund.currency &&
    payment.gatewayTransactionId !== null &&
    payment.psp === psp
  )
}

/** Whether a refund followed a void that failed, so that the void no longer speaks for it. */
export function wasFollowed(
  { kind }: Pick<OperationFacts, 'kind'>,
  declineCode: DeclineCode | null,
): boolean {
  return kind === 'void' && declineCode === 'already_settled'
}

function refused(reason: RefundReason): ReversalChoice {
  return { kind: 'refused', reason }
}

/**
 * The operation that follows a void which the PSP declined because the payment has settled: a
 * refund, with an id and key of its own. Null where the result of the operation stands.
 */
export function followUpOf(facts: OperationFacts, emission: Emission): ReversalFacts | null {
  if (facts.kind !== 'void' || emission.kind !== 'failed') return null
  if (!wasFollowed(facts, emission.declineCode ?? null)) return null
  return { ...facts, kind: 'refund', operationId: facts.requestId, sequence: facts.sequence + 1 }
}
