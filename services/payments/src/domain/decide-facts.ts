import type { FundsPosted } from '@caudal/contracts/events/postings.ts'
import type {
  DisputeClosed,
  DisputeOpened,
  PaymentCapturedLate,
  PspContradicted,
  RefundFound,
  ReturnReceived,
} from '@caudal/contracts/events/psp-facts.ts'
import type { RefundReversed } from '@caudal/contracts/events/refunds.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { type Dispute, receiveDispute } from './dispute.ts'
import type { FactContext } from './event-context.ts'
import {
  type BlockedDestination,
  caseOf,
  type FactEffect,
  factEffect,
  namedBy,
} from './fact-effect.ts'
import { type Cause, paymentRecovered, paymentReturned, returnUnmatched } from './fact-events.ts'
import { takeFoundRefund, requestLateRefund, reversedRefund } from './found-refund-effects.ts'
import type { FoundRefund } from './found-refund.ts'
import { type LateStep, postLateCapture, receiveLateCapture } from './late-capture.ts'
import { mismatchOf } from './mismatch-of.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import { requestPosting } from './request-posting.ts'
import {
  cameBack,
  nameReturn,
  newReturn,
  placeReturn,
  postReturn,
  type ReturnedMoney,
  type ReturnStep,
} from './returned-money.ts'

/** Evidence about money that moved beside the operations under way, and what was booked for it. */
export type FactEvent =
  | ReturnReceived
  | PaymentCapturedLate
  | RefundFound
  | RefundReversed
  | DisputeOpened
  | DisputeClosed
  | PspContradicted
  | FundsPosted

/** The rows that a fact is about, as they are after the events before it. */
export interface FactRows {
  payment: Payment | undefined
  refund: Refund | undefined
  returned: ReturnedMoney | undefined
  found: FoundRefund | undefined
  dispute: Dispute | undefined
}

/** What a fact means; null if it changes nothing, which every repeat does. */
export function decideFact(
  rows: FactRows,
  event: FactEvent,
  context: FactContext,
): FactEffect | 'contradicts' | null {
  const cause = { actor: event.actor, context }
  switch (event.event_type) {
    case 'return.received':
      return receiveReturn(rows, event, cause)
    case 'payment.captured_late':
      return capturedLate(known(rows.payment), event, cause)
    case 'refund.found':
      return takeFoundRefund({ ...rows, payment: known(rows.payment) }, event, cause)
    case 'refund.reversed':
      return reversedRefund(rows.found, cause)
    case 'dispute.opened':
    case 'dispute.closed':
      return disputed(rows, event, cause)
    case 'psp.contradicted':
      return factEffect({ cases: [contradiction(event)] })
    case 'funds.posted':
      return posted(rows, event, cause)
    default:
      return event satisfies never
  }
}

function receiveReturn(
  { payment, returned: known }: Pick<FactRows, 'payment' | 'returned'>,
  event: ReturnReceived,
  cause: Cause & { context: FactContext },
): FactEffect | null {
  const { now } = cause.context
  const returned = newReturn(event, cause.context)
  const { amountMinor, currency } = cameBack(returned)
  const stated = { amountMinor, currency }
  const expected = known ? cameBack(known) : stated
  const mismatch = mismatchOf({ ...expected, currency: (payment ?? expected).currency }, stated)
  if (mismatch) {
    const reported = { ...(known?.paymentId ? known : returned), ...stated }
    return factEffect({
      cases: [caseOf(reported, mismatch, { type: 'return', id: returned.returnId })],
    })
  }
  if (known && (known.paymentId !== null || !payment)) return null
  const toPlace = known && payment ? nameReturn(known, payment) : returned
  const effect = placedReturn(toPlace, payment, cause)
  return { ...effect, blocked: blockedBy(event, payment, now) }
}

/** After the bank could not pay to the account no other payment is to be sent there. */
function blockedBy(
  { return_id: returnId, reason_code: reasonCode }: ReturnReceived,
  payment: Payment | undefined,
  blockedAt: Date,
): BlockedDestination[] {
  if (reasonCode !== 'account_invalid' && reasonCode !== 'account_closed') return []
  if (!payment) return []
  const { tenantId, serviceBankCode, serviceAccountNumber } = payment
  if (serviceBankCode === null || serviceAccountNumber === null) return []
  return [{ tenantId, serviceBankCode, serviceAccountNumber, returnId, reasonCode, blockedAt }]
}

/** What becomes of the money of an undecided return. */
export function placedReturn(
  returned: ReturnedMoney,
  payment: Payment | undefined,
  cause: Cause,
): FactEffect {
  return returnEffect(placeReturn(returned, payment, cause.context.now), payment, cause)
}

function returnEffect(step: ReturnStep, before: Payment | undefined, cause: Cause): FactEffect {
  const { returned, payment, end, caseReason } = step
  const subject = { type: 'return', id: returned.returnId } as const
  const effect = factEffect({ returns: [returned] })
  if (payment && payment !== before) effect.payment = payment
  if (caseReason) effect.cases.push(caseOf(cameBack(returned), caseReason, subject))
  if (end) {
    const wanted = {
      ...returned,
      kind: 'return',
      source: subject,
      payment: namedBy(returned),
      end,
      otherwise: 'suspense',
      actor: cause.actor,
    } as const
    effect.emits.push(requestPosting(wanted, cause.context))
  }
  return effect
}

/** What a lost dispute brings back is a return; nothing else moves money. */
function disputed(
  { payment, returned, dispute: known }: FactRows,
  reported: DisputeOpened | DisputeClosed,
  cause: Cause & { context: FactContext },
): FactEffect | null {
  const event = named(reported, payment)
  const step = receiveDispute(known, payment, { event, now: cause.context.now })
  const { dispute, isKept, caseReason, lost } = step
  const booked = lost ? receiveReturn({ payment, returned }, lost, cause) : null
  if (!booked && !isKept && !caseReason) return null
  const effect = booked ?? factEffect({})
  if (isKept) effect.disputes.push(dispute)
  if (caseReason) {
    effect.cases.push(caseOf(dispute, caseReason, { type: 'dispute', id: dispute.disputeId }))
  }
  return effect
}

/** An evidence that names no payment is about the one that was named before. */
function named<E extends DisputeOpened | DisputeClosed>(event: E, payment: Payment | undefined): E {
  if (event.payment !== undefined || !payment) return event
  const { tenantId, accountId, paymentId, userId } = payment
  const known = { payment_id: paymentId, user_id: userId }
  return { ...event, tenant_id: tenantId, account_id: accountId, payment: known }
}

function capturedLate(
  payment: Payment,
  event: PaymentCapturedLate,
  cause: Cause,
): FactEffect | 'contradicts' | null {
  const step = receiveLateCapture(payment, event)
  if (!step.caseReason) {
    if (payment.status === 'COMPLETED' && payment.lateCapture === null) return 'contradicts'
    return step.payment === payment ? null : lateEffect(step, cause)
  }
  const { amount, currency } = event
  const reported = { ...payment, amountMinor: parseAmount(amount, currency), currency }
  const subject = { type: 'payment', id: payment.paymentId } as const
  return factEffect({ cases: [caseOf(reported, step.caseReason, subject)] })
}

/** What a step of a late success means for the ledger, the PSP and the user. */
export function lateEffect(step: LateStep, cause: Cause): FactEffect {
  const { payment, end, caseReason } = step
  const subject = { type: 'payment', id: payment.paymentId } as const
  const effect = factEffect({ payment })
  if (caseReason) effect.cases.push(caseOf(payment, caseReason, subject))
  if (step.recovered) effect.emits.push(paymentRecovered(payment, cause))
  if (end) {
    const wanted = {
      ...payment,
      kind: 'recapture',
      source: subject,
      payment: namedBy(payment),
      psp: payment.psp ?? DEFAULT_PSP,
      end,
      otherwise: 'suspense',
      actor: cause.actor,
    } as const
    effect.emits.push(requestPosting(wanted, cause.context))
  }
  if (step.refund) {
    const { refund, event } = requestLateRefund(payment, cause)
    effect.created.push(refund)
    effect.emits.push(event)
  }
  return effect
}

/** In words of the processor, which are ours. */
function contradiction(event: PspContradicted) {
  const { contradiction: reason, subject, detail, amount, currency, payment } = event
  const money = amount === undefined || currency === undefined ? null : { amount, currency }
  return {
    reason,
    subject,
    detail,
    tenantId: event.tenant_id,
    accountId: event.account_id,
    payment: payment ? { paymentId: payment.payment_id, userId: payment.user_id } : null,
    amountMinor: money && parseAmount(money.amount, money.currency),
    currency: money && money.currency,
  }
}

/** What the wallet booked: for a return, a late success, or a found refund in suspense. */
function posted(
  { payment, returned, found }: FactRows,
  { source, end }: FundsPosted,
  cause: Cause,
): FactEffect | null {
  const { now } = cause.context
  if (source.type === 'payment') {
    const before = known(payment)
    const step = postLateCapture(before, { end, now })
    return step.payment === before ? null : lateEffect(step, cause)
  }
  if (source.type === 'refund' || !returned) {
    if (!found) throw new Error(`${source.id} was not loaded`)
    return null
  }
  const step = postReturn(returned, payment, { end, now })
  if (step.returned === returned) return null
  const effect = returnEffect(step, payment, cause)
  if (step.returned.status === 'CREDITED') {
    effect.emits.push(paymentReturned(step.returned, known(payment), cause))
  } else if (returned.status !== 'MATCHED') {
    effect.emits.push(returnUnmatched(step.returned, cause))
  }
  return effect
}

/** The spine parks an event of a payment that is not known. */
function known(payment: Payment | undefined): Payment {
  if (!payment) throw new Error('the payment of the fact was not loaded')
  return payment
}
