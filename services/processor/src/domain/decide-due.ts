import type { Capabilities } from './capabilities.ts'
import { decideOutcome } from './decide-outcome.ts'
import { type PspDecision, giveUp, moveOn, reportStuck } from './decision.ts'
import { canBeQueried, isKeyExpired } from './learn-next.ts'
import type { OperationFacts } from './operation-facts.ts'
import type { PspOperation } from './psp-operation.ts'
import type { PspState } from './psp-state.ts'
import type { DecisionContext } from './retry-policy.ts'

/**
 * Whether a request may leave now: yes; not yet, since no call is free; its circuit is open; the
 * PSP takes no new payments or payouts; or nothing is sent to the PSP.
 */
export type Admission = 'send' | 'wait' | 'circuit_open' | 'not_taken' | 'paused'

/** What decides about a due step; `psp` is the one at which an operation's first attempt begins. */
export type DueContext = DecisionContext & { psp: string }

/**
 * Decides the next action of an operation whose step is due. Attempts begin only here. An attempt
 * that is still SENDING after its deadline lost its holder and may have left (rule 9).
 */
export function decideDue(
  operation: PspOperation,
  admission: Admission,
  context: DueContext,
): PspDecision {
  const { now, policy } = context
  if (operation.dueAt === null || operation.dueAt > now) return moveOn(operation)
  if (operation.step !== 'await' && isAtOtherPsp(operation, context)) {
    return moveOn(operation, { dueAt: now + policy.misconfiguredMs })
  }
  switch (operation.step) {
    case null:
      return moveOn(operation)
    case 'await': {
      const lost = { attempt: operation.attempt, outcome: { kind: 'ambiguous' } } as const
      return decideOutcome(operation, lost, context)
    }
    case 'query':
      return decideQuery(operation, context)
    case 'send':
      return decideSend(operation, admission, context)
    default:
      return operation.step satisfies never
  }
}

/**
 * Whether the operation was sent to another PSP than the one that is called now. That one knows
 * nothing of it: its `not_found` would be no proof, and a second request could charge twice.
 */
export function isAtOtherPsp({ psp }: PspOperation, called: { psp: string }): boolean {
  return psp !== null && psp !== called.psp
}

function decideQuery(operation: PspOperation, context: DueContext): PspDecision {
  const { now, policy } = context
  if (!canBeQueried(operation, context)) {
    if (!isKeyExpired(operation, context, now)) {
      return moveOn(operation, { step: 'send', dueAt: now })
    }
    return reportStuck(operation, context)
  }
  const query = operation.queries + 1
  const dueAt = now + policy.timeoutMs + policy.graceMs
  return { ...moveOn(operation, { queries: query, dueAt }), call: { kind: 'query', query } }
}

function decideSend(
  operation: PspOperation,
  admission: Admission,
  context: DueContext,
): PspDecision {
  const { now, policy } = context
  switch (admission) {
    case 'send': {
      // The PSP would take a repeat for another operation.
      if (operation.mayHaveLeft && isKeyExpired(operation, context, now)) {
        return giveUp(operation, 'gateway_unreachable', context)
      }
      const attempt = operation.attempt + 1
      const attemptDeadlineAt = now + policy.timeoutMs
      const dueAt = attemptDeadlineAt + policy.graceMs
      const psp = operation.psp ?? context.psp
      const sending = moveOn(operation, { step: 'await', psp, attempt, attemptDeadlineAt, dueAt })
      return { ...sending, call: { kind: 'send', attempt } }
    }
    case 'wait':
      return moveOn(operation, { dueAt: now + policy.waitMs })
    case 'circuit_open':
      // It stays due, as a trial request or as one of many once the circuit is closed.
      if (now < (operation.dueAt ?? now) + policy.circuitWaitMs) return moveOn(operation)
      return giveUp(operation, 'circuit_open', context)
    case 'not_taken':
      // Another PSP may take it, or this one again.
      return now < operation.recordedAt + policy.circuitWaitMs
        ? moveOn(operation, { dueAt: now + policy.waitMs })
        : giveUp(operation, 'gateway_unreachable', context)
    case 'paused':
      return moveOn(operation, { dueAt: now + policy.misconfiguredMs })
    default:
      return admission satisfies never
  }
}

/**
 * The admission at a PSP in this state. What may have left is only repeated, so it goes on while
 * the PSP drains. A disabled one gets repeats too where they stand in for status queries: doubt
 * must end.
 */
export function admissionAt(
  { state, capabilities }: { state: PspState; capabilities: Capabilities },
  { kind }: Pick<OperationFacts, 'kind'>,
  operation: PspOperation,
  admission: Admission,
): Admission {
  if (state === 'enabled') return admission
  const { mayHaveLeft } = operation
  if ((kind === 'pay' || kind === 'payout') && !mayHaveLeft) return 'not_taken'
  if (state === 'draining') return admission
  const isQuestion = mayHaveLeft && !canBeQueried(operation, { capabilities })
  return isQuestion ? admission : 'paused'
}
