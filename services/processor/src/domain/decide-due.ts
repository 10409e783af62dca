import { decideOutcome } from './decide-outcome.ts'
import { type PspDecision, giveUp, moveOn } from './decision.ts'
import type { PspPayment } from './psp-payment.ts'
import type { DecisionContext } from './retry-policy.ts'

/** Whether a request may leave now: yes, not yet (no call is free), or its circuit is open. */
export type Admission = 'send' | 'wait' | 'circuit_open'

/** What decides about a due step; `psp` is the one at which a payment's first attempt begins. */
export type DueContext = DecisionContext & { psp: string }

/**
 * Decides the next action of a payment whose step is due. Attempts begin only here. An attempt that
 * is still SENDING after its deadline lost its holder and may have left (rule 9).
 */
export function decideDue(
  payment: PspPayment,
  admission: Admission,
  context: DueContext,
): PspDecision {
  const { now, policy } = context
  if (payment.dueAt === null || payment.dueAt > now) return moveOn(payment)
  if (payment.step !== 'await' && isAtOtherPsp(payment, context)) {
    return moveOn(payment, { dueAt: now + policy.misconfiguredMs })
  }
  switch (payment.step) {
    case null:
      return moveOn(payment)
    case 'await': {
      const lost = { attempt: payment.attempt, outcome: { kind: 'ambiguous' } } as const
      return decideOutcome(payment, lost, context)
    }
    case 'query': {
      const query = payment.queries + 1
      const dueAt = now + policy.timeoutMs + policy.graceMs
      return { ...moveOn(payment, { queries: query, dueAt }), call: { kind: 'query', query } }
    }
    case 'send':
      return decideSend(payment, admission, context)
    default:
      return payment.step satisfies never
  }
}

/**
 * Whether the payment was sent to another PSP than the one that is called now. That one knows
 * nothing of it: its `not_found` would be no proof, and a second request could charge twice.
 */
export function isAtOtherPsp({ psp }: PspPayment, called: { psp: string }): boolean {
  return psp !== null && psp !== called.psp
}

function decideSend(payment: PspPayment, admission: Admission, context: DueContext): PspDecision {
  const { now, policy } = context
  switch (admission) {
    case 'send': {
      const attempt = payment.attempt + 1
      const attemptDeadlineAt = now + policy.timeoutMs
      const dueAt = attemptDeadlineAt + policy.graceMs
      const psp = payment.psp ?? context.psp
      const sending = moveOn(payment, { step: 'await', psp, attempt, attemptDeadlineAt, dueAt })
      return { ...sending, call: { kind: 'send', attempt } }
    }
    case 'wait':
      return moveOn(payment, { dueAt: now + policy.waitMs })
    case 'circuit_open':
      // It stays due, as a trial request or as one of many once the circuit is closed.
      if (now < (payment.dueAt ?? now) + policy.circuitWaitMs) return moveOn(payment)
      return giveUp(payment, 'circuit_open', context)
    default:
      return admission satisfies never
  }
}
