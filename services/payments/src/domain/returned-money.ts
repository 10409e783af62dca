import type { PostingEnd } from '@caudal/contracts/events/postings.ts'
import type { ReturnReceived } from '@caudal/contracts/events/psp-facts.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import type { RETURN_STATUSES } from '@caudal/contracts/refund-views.ts'
import type { ReturnCode } from '@caudal/contracts/return-reasons.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { FactContext } from './event-context.ts'
import { fitsInCaptured, isSettled, keepingFacts } from './payment-sums.ts'
import type { Payment } from './payment.ts'

/**
 * RECEIVED: known, and not decided yet or on its way to suspense. MATCHED: to be credited. The last
 * two are final.
 */
export type ReturnStatus = (typeof RETURN_STATUSES)[number]

/** Money that came back without a request: one, whatever the number of its evidences. */
export interface ReturnedMoney {
  returnId: string
  tenantId: string
  /** The partition key of its events: the wallet's account, or the return if it began unmatched. */
  accountId: string
  /** The payment with its user; null where no evidence names one. */
  paymentId: string | null
  userId: string | null
  psp: string
  /** What the user is to get: what came back, with the charges that the operator covers. */
  amountMinor: bigint
  /** What of the amount the bank kept. */
  chargesMinor: bigint
  currency: string
  /** The PSP's id of the return. */
  reference: string
  /** As the bank spells it. */
  reason: string
  reasonCode: ReturnCode
  status: ReturnStatus
  /** Why the money does not go to the wallet; null for a return that does, or is not decided. */
  suspendedFor: CaseReason | null
  /** Since when the amount counts against what was captured. */
  matchedAt: Date | null
  /** Counts the states, from 1. */
  version: number
  receivedAt: Date
  updatedAt: Date
}

/** Where a return stands after a step, and where its payment does. */
export interface ReturnStep {
  returned: ReturnedMoney
  /** The payment afterwards; undefined without one. */
  payment: Payment | undefined
  /** The end that the wallet is to book; undefined if nothing is to be booked now. */
  end?: PostingEnd
  /** The reason of the case to open. */
  caseReason?: CaseReason
}

/**
 * The return that an evidence reports, before anything is decided about it. Only charges that the
 * evidence names are covered: a smaller amount without any is a return of a part.
 */
export function newReturn(
  event: ReturnReceived,
  { now, returnCharges }: Pick<FactContext, 'now' | 'returnCharges'>,
): ReturnedMoney {
  const { charges, currency } = event
  const isCovered = charges !== undefined && returnCharges === 'operator'
  const chargesMinor = isCovered ? parseAmount(charges, currency) : 0n
  return {
    returnId: event.return_id,
    tenantId: event.tenant_id,
    accountId: event.account_id,
    paymentId: event.payment?.payment_id ?? null,
    userId: event.payment?.user_id ?? null,
    psp: event.psp,
    amountMinor: parseAmount(event.amount, currency) + chargesMinor,
    chargesMinor,
    currency,
    reference: event.reference,
    reason: event.reason,
    reasonCode: event.reason_code,
    status: 'RECEIVED',
    suspendedFor: null,
    matchedAt: null,
    version: 1,
    receivedAt: now,
    updatedAt: now,
  }
}

/**
 * What came back at the PSP, which is what waits in suspense: charges are covered for a wallet
 * only.
 */
export function cameBack<R extends Pick<ReturnedMoney, 'amountMinor' | 'chargesMinor'>>(
  returned: R,
): R {
  const { amountMinor, chargesMinor } = returned
  return { ...returned, amountMinor: amountMinor - chargesMinor, chargesMinor: 0n }
}

/** The return in suspense with its payment, which an evidence is the first to name. */
export function nameReturn(returned: ReturnedMoney, payment: Payment): ReturnedMoney {
  const { tenantId, paymentId, userId } = payment
  return { ...returned, tenantId, paymentId, userId }
}

/** Whether the return waits for the end of its payment. */
export function isUndecided(returned: ReturnedMoney): boolean {
  const { status, suspendedFor, paymentId, matchedAt } = returned
  if (suspendedFor === null) return status === 'RECEIVED'
  return suspendedFor === 'return_unmatched' && paymentId !== null && matchedAt === null
}

/**
 * Decides where the money of an undecided return goes (money-flows, section 2). While the payment
 * can still become COMPLETED or FAILED the return waits: it is a fact about a payment that left,
 * never a reason to release the hold. A matched return holds its amount against what was captured,
 * like a refund that is under way.
 */
export function placeReturn(
  returned: ReturnedMoney,
  payment: Payment | undefined,
  now: Date,
): ReturnStep {
  if (payment && returned.suspendedFor !== null) return countSuspended(returned, payment, now)
  if (payment && !isSettled(payment)) return { returned, payment: keepingFacts(payment) }
  const reason = obstacleOf(returned, payment)
  if (reason !== undefined || payment === undefined) {
    const suspendedFor = reason ?? 'return_unmatched'
    const after: ReturnedMoney = { ...returned, suspendedFor, updatedAt: now }
    return { returned: after, payment, end: 'suspense', caseReason: suspendedFor }
  }
  return {
    returned: { ...moved(returned, 'MATCHED', now), matchedAt: now },
    payment: holding(payment, returned),
    end: 'wallet',
  }
}

/**
 * The payment of a return in suspense is known now. The amount counts against what was captured, so
 * it cannot be refunded too; the money stays where it is until a person decides. Each step is a
 * version, because the answer of the wallet is applied without the lock of the payment.
 */
function countSuspended(before: ReturnedMoney, payment: Payment, now: Date): ReturnStep {
  const returned = moved(before, before.status, now)
  if (!isSettled(payment)) return { returned, payment: keepingFacts(payment) }
  const caseReason = obstacleOf(returned, payment)
  if (caseReason) {
    return { returned: { ...returned, suspendedFor: caseReason }, payment, caseReason }
  }
  return {
    returned: { ...returned, matchedAt: now },
    payment: holding(payment, returned),
    // It is open already, unless the payment is of another tenant than the account of the PSP.
    caseReason: 'return_unmatched',
  }
}

function holding(payment: Payment, { amountMinor }: ReturnedMoney): Payment {
  return { ...payment, pendingMinor: payment.pendingMinor + amountMinor }
}

function obstacleOf(
  { amountMinor }: ReturnedMoney,
  payment: Payment | undefined,
): CaseReason | undefined {
  if (!payment) return 'return_unmatched'
  if (payment.status === 'FAILED') return 'return_of_unpaid_payment'
  return fitsInCaptured(payment, amountMinor) ? undefined : 'return_exceeds_captured'
}

/**
 * The wallet booked the return. One that was matched and could not be credited goes on holding its
 * amount: the money is back, so it cannot be refunded too.
 */
export function postReturn(
  returned: ReturnedMoney,
  payment: Payment | undefined,
  { end, now }: { end: PostingEnd; now: Date },
): ReturnStep {
  if (returned.status === 'MATCHED' && payment) {
    if (end !== 'wallet') {
      const suspendedFor = 'wallet_not_creditable'
      const after = { ...moved(returned, 'SUSPENDED', now), suspendedFor } as const
      return { returned: after, payment, caseReason: suspendedFor }
    }
    const { amountMinor } = returned
    const pendingMinor = payment.pendingMinor - amountMinor
    const returnedMinor = payment.returnedMinor + amountMinor
    return {
      returned: moved(returned, 'CREDITED', now),
      payment: { ...payment, pendingMinor, returnedMinor, updatedAt: now },
    }
  }
  const isOnItsWay = returned.status === 'RECEIVED' && returned.suspendedFor !== null
  return { returned: isOnItsWay ? moved(returned, 'SUSPENDED', now) : returned, payment }
}

function moved(returned: ReturnedMoney, status: ReturnStatus, now: Date): ReturnedMoney {
  return { ...returned, status, version: returned.version + 1, updatedAt: now }
}
