import type { Actor } from '@caudal/contracts/actor.ts'
import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import type { RefundCause } from '@caudal/contracts/reasons.ts'
import { decideByKey } from '@caudal/idempotency/decide-by-key.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { ChangedPayment } from './decide-events.ts'
import { withShares } from './decide-refund-event.ts'
import { refundRequested } from './fact-events.ts'
import { newRefund } from './new-refund.ts'
import { type Payment, refundableOf } from './payment.ts'
import type { Refund } from './refund.ts'

/** A request to give money of a payment back, with the ids that it uses if it is accepted. */
export interface RefundRequest {
  tenantId: string
  clientId: string
  actor: Actor
  /** A UUID in lower case, chosen by the client. */
  idempotencyKey: string
  /** Digest of the request; an idempotency key is bound to one (F2). */
  fingerprint: string
  /** In lower case. */
  paymentId: string
  /** As it was sent; undefined for all that remains. Its form depends on the currency. */
  amount: string | undefined
  cause: RefundCause
  metadata: Readonly<Record<string, string>>
  refundId: string
  eventId: string
  /** 32 hexadecimal digits. */
  traceId: string
}

/** The answer that a key is bound to: a replay has the same bytes. */
export interface RefundAnswer {
  fingerprint: string
  /** HTTP status. */
  status: number
  body: string
  /** The accepted refund; null for a refusal. */
  resourceId: string | null
}

/** What bounds refunds beside the captured amount; by configuration. */
export interface RefundPolicy {
  /** How long after its capture a payment can be refunded. */
  windowMs: number
  /** How many refunds of one payment are accepted. */
  mostRefunds: number
}

/** What is known of the requests, under the locks of their payments. */
export interface KnownRefundRequests {
  /** What each key is bound to, in the order of the requests. */
  answers: readonly (RefundAnswer | undefined)[]
  payments: ReadonlyMap<string, Payment>
  /** How many refunds of a payment were accepted before. */
  counts: ReadonlyMap<string, number>
  /** The payments with an open dispute. */
  disputed: ReadonlySet<string>
}

/** A refusal that is stored with the key and replayed like a success. */
export type RefundRefusalCode = Extract<
  ErrorCode,
  | 'PAYMENT_NOT_REFUNDABLE'
  | 'PAYMENT_IN_DOUBT'
  | 'PAYMENT_DISPUTED'
  | 'REFUND_EXCEEDS_CAPTURED'
  | 'REFUND_WINDOW_CLOSED'
  | 'REFUND_LIMIT_REACHED'
>

/** A rejection that stores nothing: the idempotency key can be used again. */
export type RefundRejectionCode = Extract<
  ErrorCode,
  'IDEMPOTENCY_MISMATCH' | 'PAYMENT_NOT_FOUND' | 'MALFORMED_REQUEST'
>

export type RefundRequestDecision =
  | { kind: 'accepted'; refund: Refund; event: RefundRequested }
  | { kind: 'refused'; code: RefundRefusalCode; members?: Record<string, string> }
  | { kind: 'rejected'; code: RefundRejectionCode; detail?: string }
  | { kind: 'replayed'; answer: RefundAnswer }
  /** Repeats the request at this index of the same batch, and gets its answer. */
  | { kind: 'repeated'; index: number }

export interface RefundRequestDecisions {
  /** In the order of the requests. */
  decisions: RefundRequestDecision[]
  /** Sorted by payment id. */
  changed: ChangedPayment[]
}

type PaymentToRefund = { payment: Payment | undefined; count: number; isDisputed: boolean }
type Circumstances = { now: Date; region: string; policy: RefundPolicy }

/**
 * Decides a batch of requests in order: each sees what those before it took of its payment, so the
 * refunds of a payment never exceed what it captured. `known` is not changed.
 */
export function decideRefundRequests(
  requests: readonly RefundRequest[],
  known: KnownRefundRequests,
  circumstances: Circumstances,
): RefundRequestDecisions {
  const bound = new Map<string, number>()
  const payments = new Map<string, Payment>()
  const counts = new Map(known.counts)
  const decisions = requests.map((request, index): RefundRequestDecision => {
    const { paymentId, fingerprint, tenantId } = request
    const key = `${request.clientId} ${request.idempotencyKey} ${tenantId}`
    const answer = known.answers[index]
    const earlier = bound.get(key)
    const byKey = decideByKey(
      answer ?? (earlier === undefined ? undefined : requests[earlier]),
      fingerprint,
    )
    if (byKey.kind === 'mismatch') return { kind: 'rejected', code: 'IDEMPOTENCY_MISMATCH' }
    if (answer) return { kind: 'replayed', answer }
    if (earlier !== undefined) return { kind: 'repeated', index: earlier }
    const payment = payments.get(paymentId) ?? known.payments.get(paymentId)
    const count = counts.get(paymentId) ?? 0
    const isDisputed = known.disputed.has(paymentId)
    const decision = decideUnbound(request, { payment, count, isDisputed }, circumstances)
    if (decision.kind === 'rejected') return decision
    bound.set(key, index)
    if (decision.kind !== 'accepted') return decision
    const shares = { before: null, after: decision.refund }
    payments.set(paymentId, withShares(payment!, shares, circumstances.now))
    counts.set(paymentId, count + 1)
    return decision
  })
  const changed = [...payments.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, after]) => ({ before: known.payments.get(id)!, after }))
  return { decisions, changed }
}

/** Decides a request whose idempotency key is not bound yet. */
function decideUnbound(
  request: RefundRequest,
  { payment, count, isDisputed }: PaymentToRefund,
  circumstances: Circumstances,
): RefundRequestDecision {
  if (!payment || payment.tenantId !== request.tenantId) {
    return { kind: 'rejected', code: 'PAYMENT_NOT_FOUND' }
  }
  const amountMinor = amountOf(request, payment)
  if (typeof amountMinor === 'string') {
    return { kind: 'rejected', code: 'MALFORMED_REQUEST', detail: amountMinor }
  }
  const { now, policy } = circumstances
  if (payment.status === 'IN_DOUBT') return { kind: 'refused', code: 'PAYMENT_IN_DOUBT' }
  if (payment.status !== 'COMPLETED' || payment.finalizedAt === null) {
    return { kind: 'refused', code: 'PAYMENT_NOT_REFUNDABLE' }
  }
  if (isDisputed) return { kind: 'refused', code: 'PAYMENT_DISPUTED' }
  if (now.getTime() - payment.finalizedAt.getTime() > policy.windowMs) {
    return { kind: 'refused', code: 'REFUND_WINDOW_CLOSED' }
  }
  if (amountMinor <= 0n || amountMinor > refundableOf(payment)) {
    return { kind: 'refused', code: 'REFUND_EXCEEDS_CAPTURED', members: sumsOf(payment) }
  }
  if (count >= policy.mostRefunds) return { kind: 'refused', code: 'REFUND_LIMIT_REACHED' }
  return accept({ request, payment, amountMinor }, circumstances)
}

/** Minor units of what is asked for, or why it is no amount of the payment's currency. */
function amountOf({ amount }: RefundRequest, payment: Payment): bigint | string {
  if (amount === undefined) return refundableOf(payment)
  try {
    const amountMinor = parseAmount(amount, payment.currency)
    return amountMinor > 0n ? amountMinor : 'amount: must be more than zero'
  } catch (error) {
    if (error instanceof AmountError) return `amount: ${error.message}`
    throw error
  }
}

/** The sums of a payment as a refusal shows them. */
function sumsOf(payment: Payment): Record<string, string> {
  const show = (minor: bigint) => formatAmount(minor, payment.currency)
  return {
    captured: show(payment.amountMinor),
    refunded: show(payment.refundedMinor),
    pending: show(payment.pendingMinor),
    returned: show(payment.returnedMinor),
    refundable: show(refundableOf(payment)),
  }
}

function accept(
  {
    request,
    payment,
    amountMinor,
  }: { request: RefundRequest; payment: Payment; amountMinor: bigint },
  { now, region }: Circumstances,
): RefundRequestDecision {
  const { refundId, cause, metadata, traceId, actor, eventId } = request
  const asked = { refundId, amountMinor, cause, metadata, traceId, origin: 'client', now } as const
  const refund = newRefund(payment, asked)
  const context = { now, region, mintId: () => eventId }
  return { kind: 'accepted', refund, event: refundRequested(refund, { actor, context }) }
}
