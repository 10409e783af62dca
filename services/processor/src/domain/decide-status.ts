import { decideLate } from './decide-late.ts'
import {
  awaitVerdict,
  complete,
  type PspDecision,
  doubt,
  fail,
  moveOn,
  reportStuck,
} from './decision.ts'
import { isKeyExpired } from './learn-next.ts'
import type { StatusAnswer } from './outcome.ts'
import { answeredBy, type PspOperation, isOver } from './psp-operation.ts'
import type { DecisionContext } from './retry-policy.ts'

/** The answer to the status query of this number. */
export type StatusFound = { query: number; answer: StatusAnswer }

const NOTHING_KNOWN = {
  status: 'failed',
  message: 'The payment gateway does not know the payment.',
}

/**
 * Applies a status answer to its operation. `approved` and `failed` are always proof. `not_found`
 * is proof only if every attempt was answered and the PSP promises it. If a request may still be in
 * flight, the same bytes are sent again under the same idempotency key (rule 9).
 */
export function decideStatus(
  operation: PspOperation,
  { query, answer }: StatusFound,
  context: DecisionContext,
): PspDecision {
  if (isOver(operation)) return decideLate(operation, answer)
  if (answer.kind === 'approved') return complete(operation, answer.response)
  if (answer.kind === 'failed') {
    const reason = operation.unproven ? 'gateway_declined' : 'gateway_unavailable'
    return fail(operation, reason, answer.response, answer.declineCode)
  }
  if (operation.step !== 'query' || query !== operation.queries) return moveOn(operation)
  switch (answer.kind) {
    case 'pending':
      return awaitVerdict(answeredBy(operation, answer.response), context)
    case 'not_found':
      return decideUnknown(operation, context)
    case 'unknown':
      return doubt(operation, context)
    default:
      return answer satisfies never
  }
}

/** The PSP does not know the operation, which is a proof only where nothing can be in flight. */
function decideUnknown(operation: PspOperation, context: DecisionContext): PspDecision {
  const { now, capabilities } = context
  if (!operation.unproven && capabilities.notFoundProves) {
    return fail(operation, 'gateway_unavailable', operation.lastResponse ?? NOTHING_KNOWN)
  }
  if (isKeyExpired(operation, context, now)) return reportStuck(operation, context)
  if (!operation.unproven) return doubt(operation, context)
  const dueAt = Math.max(now, operation.attemptDeadlineAt ?? 0)
  return moveOn(operation, { step: 'send', dueAt })
}
