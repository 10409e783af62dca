import type { Refusing } from './capabilities.ts'
import { decideLate } from './decide-late.ts'
import {
  awaitVerdict,
  complete,
  type PspDecision,
  doubt,
  fail,
  giveUp,
  moveOn,
} from './decision.ts'
import { learnNext } from './learn-next.ts'
import type { SendOutcome } from './outcome.ts'
import { answeredBy, type PspOperation, isOver } from './psp-operation.ts'
import { type DecisionContext, pspRetryDelayMs } from './retry-policy.ts'

/** The outcome of one attempt has become known. */
export type AttemptOutcome = { attempt: number; outcome: SendOutcome }

/**
 * Applies the outcome of an attempt to its operation. A verdict always counts, even late. Any other
 * outcome counts only for the awaited attempt, so a repeated report changes nothing.
 */
export function decideOutcome(
  operation: PspOperation,
  { attempt, outcome }: AttemptOutcome,
  context: DecisionContext,
): PspDecision {
  if (isOver(operation)) return decideLate(operation, outcome)
  if (outcome.kind === 'approved') return complete(operation, outcome.response)
  if (outcome.kind === 'declined') {
    return fail(operation, 'gateway_declined', outcome.response, outcome.declineCode)
  }
  if (operation.step !== 'await' || attempt !== operation.attempt) return moveOn(operation)
  switch (outcome.kind) {
    case 'pending':
      return awaitVerdict(answeredBy(operation, outcome.response), context)
    case 'unavailable':
    case 'rate_limited': {
      const { response } = outcome
      const answered = response === null ? operation : answeredBy(operation, response)
      const known = isRefused(outcome, context) ? answered : { ...answered, mayHaveLeft: true }
      return tryAgain(known, outcome.retryAfterMs, context)
    }
    case 'misconfigured': {
      const left = { mayHaveLeft: true, unproven: true }
      const known = isRefused(outcome, context) ? operation : { ...operation, ...left }
      return pauseForOperator(known, context)
    }
    case 'ambiguous':
      return doubt({ ...operation, mayHaveLeft: true, unproven: true }, context)
    case 'not_sent':
      return outcome.cause === 'circuit_open'
        ? waitForCircuit(operation, context)
        : tryAgain(operation, null, context)
    default:
      return outcome satisfies never
  }
}

/** The PSP promises that this answer proves that it did not accept the request: nothing left. */
function isRefused({ kind }: { kind: Refusing }, { capabilities }: DecisionContext): boolean {
  return capabilities.refusals.includes(kind)
}

function tryAgain(
  operation: PspOperation,
  retryAfterMs: number | null,
  context: DecisionContext,
): PspDecision {
  const failures = operation.failures + 1
  const counted = { ...operation, failures }
  // In doubt, the status is queried before each further attempt, without a limit of attempts.
  if (operation.status === 'IN_DOUBT') {
    return moveOn(counted, learnNext(counted, context, pspRetryDelayMs(context, 1, retryAfterMs)))
  }
  if (failures > context.policy.maxRetries) return giveUp(counted, 'gateway_unreachable', context)
  const dueAt = context.now + pspRetryDelayMs(context, failures, retryAfterMs)
  return moveOn(counted, { step: 'send', dueAt })
}

/** The circuit opened between the decision to send and the call: the operation is due again. */
function waitForCircuit(operation: PspOperation, context: DecisionContext): PspDecision {
  if (operation.status === 'IN_DOUBT') return doubt(operation, context)
  return moveOn(operation, { step: 'send', dueAt: context.now })
}

function pauseForOperator(operation: PspOperation, context: DecisionContext): PspDecision {
  const { misconfiguredMs } = context.policy
  if (operation.status !== 'IN_DOUBT') {
    return moveOn(operation, { step: 'send', dueAt: context.now + misconfiguredMs })
  }
  return moveOn(operation, {
    ...learnNext(operation, context),
    dueAt: context.now + misconfiguredMs,
  })
}
