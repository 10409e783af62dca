import type { RefundFound } from '@caudal/contracts/events/psp-facts.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { lateCaptureRefundIdOf } from '@caudal/contracts/ids.ts'
import { effectOf, type RefundEffect, withShares } from './decide-refund-event.ts'
import { settle } from './evolve-refund.ts'
import { caseOf, type FactEffect, factEffect, namedBy } from './fact-effect.ts'
import { type Cause, refundRequested } from './fact-events.ts'
import {
  type FoundRefund,
  isApart,
  newFoundRefund,
  placeFoundRefund,
  reverseFoundRefund,
} from './found-refund.ts'
import { mismatchOf } from './mismatch-of.ts'
import { newRefund } from './new-refund.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import { requestPosting } from './request-posting.ts'

/** A payment and the refund of ours that is meant, if there is one. */
interface RowsOfFound {
  payment: Payment
  refund: Refund | undefined
}

/** A refund that exists because of a fact: the row to insert, if it is new, and what it becomes. */
interface AdoptedRefund extends RefundEffect {
  created: Refund | null
}

/**
 * What a found refund means; null for a repeat. One in another currency or amount than the known
 * one books nothing: it is not understood.
 */
export function takeFoundRefund(
  { payment, refund, found: known }: RowsOfFound & { found: FoundRefund | undefined },
  event: RefundFound,
  cause: Cause,
): FactEffect | null {
  const found = newFoundRefund(event, cause.context.now)
  const { refundId, amountMinor } = found
  const expected = known ?? refund ?? { amountMinor, currency: payment.currency }
  const mismatch = mismatchOf(expected, found)
  if (mismatch) {
    return factEffect({ cases: [caseOf(found, mismatch, { type: 'refund', id: refundId })] })
  }
  if (known || refund?.creditedAt) return null
  return placedRefund(found, { payment, refund }, cause)
}

/** What becomes of the money of an undecided found refund. */
export function placedRefund(
  undecided: FoundRefund,
  { payment: before, refund }: RowsOfFound,
  cause: Cause,
): FactEffect {
  const placed = placeFoundRefund(undecided, { payment: before, refund }, cause.context.now)
  const { found, payment, caseReason } = placed
  if (found.status === 'ADOPTED') {
    const adopted = adoptRefund(found, { payment, refund }, cause)
    return factEffect({
      payment: adopted.payment,
      found: [found],
      created: adopted.created ? [adopted.created] : [],
      refunds: [adopted.refund],
      emits: adopted.emits,
      cases: adopted.cases,
    })
  }
  const effect = factEffect({ found: [found] })
  if (payment !== before) effect.payment = payment
  if (caseReason === undefined) return effect
  const subject = { type: 'refund', id: found.refundId } as const
  effect.cases.push(caseOf(found, caseReason, subject))
  effect.emits.push(bookInSuspense(found, 'refund', cause))
  if (found.status === 'REVERSED') effect.emits.push(bookInSuspense(found, 'recapture', cause))
  return effect
}

/** The PSP took a found refund back; null for a repeat. Postings keep their order. */
export function reversedRefund(before: FoundRefund | undefined, cause: Cause): FactEffect | null {
  if (!before || !isApart(before)) throw new Error('the found refund was not loaded')
  if (before.reversedAt !== null) return null
  const found = reverseFoundRefund(before, cause.context.now)
  const isOut = found.status === 'REVERSED'
  return factEffect({
    found: [found],
    emits: isOut ? [bookInSuspense(found, 'recapture', cause)] : [],
  })
}

function bookInSuspense(found: FoundRefund, kind: 'refund' | 'recapture', cause: Cause) {
  const wanted = {
    ...found,
    kind,
    source: { type: 'refund', id: found.refundId },
    payment: namedBy(found),
    end: 'suspense',
    otherwise: 'suspense',
    actor: cause.actor,
  } as const
  return requestPosting(wanted, cause.context)
}

/**
 * Makes a found refund one of ours, which the PSP has approved: what follows is the same as for a
 * refund that was asked for. One that had failed succeeds after all.
 */
function adoptRefund(
  found: FoundRefund,
  { payment, refund }: RowsOfFound,
  { actor, context }: Cause,
): AdoptedRefund {
  const { now } = context
  const { refundId, amountMinor, psp } = found
  const created = refund ? null : newRefund(payment, { refundId, amountMinor, origin: 'psp', now })
  const before = refund ?? created!
  const approvedAt = before.approvedAt ?? now
  const reversedAt = before.reversedAt ?? found.reversedAt
  const after = settle({ ...before, approvedAt, reversedAt, psp }, now)
  const claimed = created ? withShares(payment, { before: null, after: created }, now) : payment
  return { ...effectOf({ payment: claimed, before, after, actor }, context), created }
}

/** The refund of a payment whose money the PSP moved although the payment had failed. */
export function requestLateRefund(
  payment: Payment,
  cause: Cause,
): { refund: Refund; event: RefundRequested } {
  const { now } = cause.context
  const refundId = lateCaptureRefundIdOf(payment.paymentId)
  const { amountMinor } = payment
  const refund = newRefund(payment, { refundId, amountMinor, origin: 'late_capture', now })
  return { refund, event: refundRequested(refund, cause) }
}
