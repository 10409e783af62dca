import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { PspReason } from '@caudal/contracts/reasons.ts'
import type { PspPayment } from './psp-payment.ts'
import { type DecisionContext, queryDelayMs } from './retry-policy.ts'

/** What is emitted to payments.results. */
export type Emission =
  | { kind: 'completed'; response: PspAnswer; psp: string | null }
  | { kind: 'failed'; reason: PspReason; response: PspAnswer }
  | { kind: 'in_doubt' }

/** A call to be made once the decision is committed. */
export type PlannedCall = { kind: 'send'; attempt: number } | { kind: 'query'; query: number }

export type PspDecision = {
  payment: PspPayment
  emission: Emission | null
  call: PlannedCall | null
}

/** Nothing to emit and nothing to call: the payment only moves on. */
export function moveOn(payment: PspPayment, changes: Partial<PspPayment> = {}): PspDecision {
  return { payment: { ...payment, ...changes }, emission: null, call: null }
}

/** The PSP approved. */
export function complete(payment: PspPayment, response: PspAnswer): PspDecision {
  return {
    payment: { ...payment, status: 'COMPLETED', step: null, dueAt: null, lastResponse: response },
    emission: { kind: 'completed', response, psp: payment.psp },
    call: null,
  }
}

/** Certainly no money moved and none will. */
export function fail(payment: PspPayment, reason: PspReason, response: PspAnswer): PspDecision {
  const over = { status: 'FAILED', step: null, dueAt: null, reason } as const
  return {
    payment: { ...payment, ...over, lastResponse: response },
    emission: { kind: 'failed', reason, response },
    call: null,
  }
}

/** The outcome is unknown: emitted once, then the PSP is queried until it is known. */
export function doubt(payment: PspPayment, context: DecisionContext): PspDecision {
  const dueAt = context.now + queryDelayMs(context, payment.queries)
  return {
    payment: { ...payment, status: 'IN_DOUBT', step: 'query', dueAt },
    emission: payment.status === 'IN_DOUBT' ? null : { kind: 'in_doubt' },
    call: null,
  }
}

const UNREACHABLE = { status: 'failed', message: 'The payment gateway could not be reached.' }
const CIRCUIT_OPEN = {
  status: 'failed',
  message: 'The payment gateway is not asked at the moment.',
}

/**
 * Ends the attempts for now. A payment without a sent request fails. A payment whose attempts were
 * all answered is decided by a status query. Any other payment is in doubt (rule 9).
 */
export function giveUp(
  payment: PspPayment,
  reason: 'gateway_unreachable' | 'circuit_open',
  context: DecisionContext,
): PspDecision {
  if (!payment.mayHaveLeft) {
    return fail(payment, reason, reason === 'circuit_open' ? CIRCUIT_OPEN : UNREACHABLE)
  }
  if (payment.unproven || payment.status === 'IN_DOUBT') return doubt(payment, context)
  return moveOn(payment, { step: 'query', dueAt: context.now })
}
