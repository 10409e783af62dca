import type { CallbackFact, FactState } from './callback-fact.ts'
import { queryNow, type Terms } from './decide-callback.ts'
import { contradict } from './decide-late.ts'
import {
  type Disputed,
  type Emission,
  type MoneyReturned,
  moveOn,
  type PspDecision,
} from './decision.ts'
import { isOver, type PspOperation } from './psp-operation.ts'
import type { DecisionContext } from './retry-policy.ts'

const DETAILS = {
  currency: 'The PSP reported money of a payment in another currency than the payment has.',
  never_sent: 'The PSP gave money of a payment back that was not sent to it.',
} as const

/** What becomes of it: it is emitted, contradicts its payment, or cannot be read. */
export type UnaskedDecision =
  | { kind: 'decided'; decision: PspDecision }
  | { kind: 'unreadable'; cause: string }

/**
 * The receiving bank returned money of the payment, or its payer disputes it. Either proves that
 * the money had left, so a payment that has not ended is asked about at once.
 */
export function decideUnasked(
  payment: PspOperation,
  { currency }: Terms,
  fact: CallbackFact,
  context: Pick<DecisionContext, 'now'>,
): UnaskedDecision {
  const reported = readUnasked(fact)
  if ('cause' in reported) return { kind: 'unreadable', cause: reported.cause }
  if (reported.currency !== currency) {
    const decision = contradict(payment, 'currency_mismatch', DETAILS.currency)
    return { kind: 'decided', decision }
  }
  if (hasTooHighCharges(reported)) {
    const { amountMinor } = reported
    const stated = { amountMinor, currency }
    const decision = contradict(payment, 'amount_mismatch', CHARGES_DETAIL, stated)
    return { kind: 'decided', decision }
  }
  if (payment.attempt === 0) {
    const decision = contradict(payment, 'operation_unknown', DETAILS.never_sent)
    return { kind: 'decided', decision }
  }
  const { operation } = mayStillEnd(payment) ? queryNow(payment, context) : moveOn(payment)
  return { kind: 'decided', decision: { operation, emission: reported, call: null } }
}

/** The sentence of the case. */
export const CHARGES_DETAIL = 'The bank named charges that are larger than the money it returned.'

/** The bank keeps its charges from the money, so what it names beyond that is no return. */
export function hasTooHighCharges(reported: MoneyReturned | Disputed): boolean {
  if (reported.kind === 'disputed' || reported.chargesMinor === null) return false
  return reported.chargesMinor < 0n || reported.chargesMinor > reported.amountMinor
}

const OUTCOMES: Partial<Record<FactState, Disputed['outcome']>> = {
  opened: null,
  won: 'won',
  lost: 'lost',
}

/**
 * The return or dispute that a fact states, or why it cannot be told from another one. Without the
 * PSP's id of a return, a second report of it would be a second return.
 */
export function readUnasked(fact: CallbackFact): MoneyReturned | Disputed | { cause: string } {
  const { amountMinor, currency, itsId: reference, reasonCode: reason } = fact
  const outcome = OUTCOMES[fact.state]
  if (fact.state !== 'returned' && outcome === undefined) return { cause: 'unknown' }
  if (reference === null) return { cause: 'no_transaction_id' }
  if (amountMinor === null || amountMinor <= 0n || currency === null) return { cause: 'no_amount' }
  const stated = { reference, amountMinor, currency, reason }
  if (outcome !== undefined) return { kind: 'disputed', outcome, ...stated }
  return { kind: 'returned', ...stated, chargesMinor: fact.chargesMinor ?? null }
}

type LateSuccess = Extract<Emission, { kind: 'late_success' }>

/** What becomes of money that went back without a refund of ours. */
export type FoundRefundDecision =
  | { kind: 'found'; emission: LateSuccess; amountMinor: bigint; transactionId: string }
  | { kind: 'contradicted'; decision: PspDecision }
  /** The payment is asked about first, and the fact is applied after its end. */
  | { kind: 'wait'; decision: PspDecision }
  | { kind: 'unreadable'; cause: string }

/** The PSP gave money of the payment back by itself, such as from its own console. */
export function decideFound(
  payment: PspOperation,
  { currency }: Terms,
  fact: CallbackFact,
  context: Pick<DecisionContext, 'now'>,
): FoundRefundDecision {
  const { amountMinor, itsId } = fact
  if (itsId === null) return { kind: 'unreadable', cause: 'no_transaction_id' }
  if (amountMinor === null || amountMinor <= 0n || fact.currency === null) {
    return { kind: 'unreadable', cause: 'no_amount' }
  }
  if (fact.currency !== currency) {
    const decision = contradict(payment, 'currency_mismatch', DETAILS.currency)
    return { kind: 'contradicted', decision }
  }
  if (mayStillEnd(payment)) return { kind: 'wait', decision: queryNow(payment, context) }
  if (!isOver(payment)) {
    const decision = contradict(payment, 'operation_unknown', DETAILS.never_sent)
    return { kind: 'contradicted', decision }
  }
  const response = { status: 'approved', gateway_transaction_id: itsId }
  const emission = { kind: 'late_success', response } as const
  return { kind: 'found', emission, amountMinor, transactionId: itsId }
}

/** A request may have reached the PSP, and there is no verdict yet. */
function mayStillEnd(payment: PspOperation): boolean {
  return !isOver(payment) && payment.attempt > 0
}
