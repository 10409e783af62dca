import { CANCELED } from '@caudal/contracts/reasons.ts'
import type { PspDecision } from './decision.ts'
import type { PspOperation } from './psp-operation.ts'

/** What is canceled: a payment or a refund of a tenant, by the id that its client knows. */
export type NamedRequest = { kind: 'pay' | 'refund'; requestId: string; tenantId: string }

/** Whether the request is canceled for good, or may have been sent or has ended. */
export type CancelResult = 'canceled' | 'too_late'

/** The result of a cancel: decided now, decided before, or too late. */
export type CancelDecision =
  | { kind: 'canceled'; decision: PspDecision }
  | { kind: 'was_canceled' }
  | { kind: 'refused' }

/**
 * Cancels an operation of which no attempt was ever recorded. The caller holds its row lock, and an
 * attempt begins under the same lock, so exactly one of cancel and SENDING wins.
 */
export function decideCancel(operation: PspOperation): CancelDecision {
  if (operation.reason === CANCELED) return { kind: 'was_canceled' }
  if (operation.step !== 'send' || operation.attempt > 0) return { kind: 'refused' }
  const over = { status: 'FAILED', step: null, dueAt: null, reason: CANCELED } as const
  return {
    kind: 'canceled',
    decision: {
      operation: { ...operation, ...over },
      emission: { kind: 'canceled' },
      call: null,
    },
  }
}
