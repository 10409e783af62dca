import { complete, type PspDecision, doubt, fail, moveOn } from './decision.ts'
import type { StatusAnswer } from './outcome.ts'
import { type PspPayment, isOver } from './psp-payment.ts'
import type { DecisionContext } from './retry-policy.ts'

/** The answer to the status query of this number. */
export type StatusFound = { query: number; answer: StatusAnswer }

const NOTHING_KNOWN = {
  status: 'failed',
  message: 'The payment gateway does not know the payment.',
}

/**
 * Applies a status answer to its payment. `approved` and `failed` are always proof. `not_found` is
 * proof only if every attempt was answered. Otherwise a request may still be in flight, and the
 * same bytes are sent again under the same idempotency key (rule 9).
 */
export function decideStatus(
  payment: PspPayment,
  { query, answer }: StatusFound,
  context: DecisionContext,
): PspDecision {
  if (isOver(payment)) return moveOn(payment)
  if (answer.kind === 'approved') return complete(payment, answer.response)
  if (answer.kind === 'failed') {
    const reason = payment.unproven ? 'gateway_declined' : 'gateway_unavailable'
    return fail(payment, reason, answer.response)
  }
  if (payment.step !== 'query' || query !== payment.queries) return moveOn(payment)
  switch (answer.kind) {
    case 'not_found':
      if (!payment.unproven) {
        return fail(payment, 'gateway_unavailable', payment.lastResponse ?? NOTHING_KNOWN)
      }
      return moveOn(payment, {
        step: 'send',
        dueAt: Math.max(context.now, payment.attemptDeadlineAt ?? 0),
      })
    case 'unknown':
      return doubt(payment, context)
    default:
      return answer satisfies never
  }
}
