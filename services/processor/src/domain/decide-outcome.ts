import { complete, type PspDecision, doubt, fail, giveUp, moveOn } from './decision.ts'
import type { SendOutcome } from './outcome.ts'
import { type PspPayment, isOver } from './psp-payment.ts'
import { type DecisionContext, queryDelayMs, pspRetryDelayMs } from './retry-policy.ts'

/** The outcome of one attempt has become known. */
export type AttemptOutcome = { attempt: number; outcome: SendOutcome }

/**
 * Applies the outcome of an attempt to its payment. A verdict always counts. Any other outcome
 * counts only for the awaited attempt, so a repeated report changes nothing.
 */
export function decideOutcome(
  payment: PspPayment,
  { attempt, outcome }: AttemptOutcome,
  context: DecisionContext,
): PspDecision {
  if (isOver(payment)) return moveOn(payment)
  if (outcome.kind === 'approved') return complete(payment, outcome.response)
  if (outcome.kind === 'declined') return fail(payment, 'gateway_declined', outcome.response)
  if (payment.step !== 'await' || attempt !== payment.attempt) return moveOn(payment)
  switch (outcome.kind) {
    case 'unavailable':
    case 'rate_limited': {
      const lastResponse = outcome.response ?? payment.lastResponse
      const answered = { ...payment, mayHaveLeft: true, lastResponse }
      return tryAgain(answered, outcome.retryAfterMs, context)
    }
    case 'misconfigured':
      return pauseForOperator({ ...payment, mayHaveLeft: true, unproven: true }, context)
    case 'ambiguous':
      return doubt({ ...payment, mayHaveLeft: true, unproven: true }, context)
    case 'not_sent':
      return outcome.cause === 'circuit_open'
        ? waitForCircuit(payment, context)
        : tryAgain(payment, null, context)
    default:
      return outcome satisfies never
  }
}

function tryAgain(
  payment: PspPayment,
  retryAfterMs: number | null,
  context: DecisionContext,
): PspDecision {
  const failures = payment.failures + 1
  const counted = { ...payment, failures }
  // In doubt, the status is queried before each further attempt, without a limit of attempts.
  if (payment.status === 'IN_DOUBT') {
    const delayMs = pspRetryDelayMs(context, 1, retryAfterMs)
    const dueAt = context.now + Math.max(delayMs, queryDelayMs(context, payment.queries))
    return moveOn(counted, { step: 'query', dueAt })
  }
  if (failures > context.policy.maxRetries) return giveUp(counted, 'gateway_unreachable', context)
  const dueAt = context.now + pspRetryDelayMs(context, failures, retryAfterMs)
  return moveOn(counted, { step: 'send', dueAt })
}

/** The circuit opened between the decision to send and the call: the payment is due again. */
function waitForCircuit(payment: PspPayment, context: DecisionContext): PspDecision {
  if (payment.status === 'IN_DOUBT') return doubt(payment, context)
  return moveOn(payment, { step: 'send', dueAt: context.now })
}

function pauseForOperator(payment: PspPayment, context: DecisionContext): PspDecision {
  const dueAt = context.now + context.policy.misconfiguredMs
  return moveOn(payment, { step: payment.status === 'IN_DOUBT' ? 'query' : 'send', dueAt })
}
