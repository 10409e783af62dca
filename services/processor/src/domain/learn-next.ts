import { itsIdOf, type PspOperation } from './psp-operation.ts'
import { type DecisionContext, queryDelayMs } from './retry-policy.ts'

/** Whether the PSP can be asked about the operation without sending it again. */
export function canBeQueried(
  operation: PspOperation,
  { capabilities }: Pick<DecisionContext, 'capabilities'>,
): boolean {
  const { queryBy } = capabilities
  switch (queryBy) {
    case 'our_id':
      return true
    case 'its_id':
      return itsIdOf(operation) !== null
    case 'none':
      return false
    default:
      return queryBy satisfies never
  }
}

/** Whether the PSP may have forgotten the operation's key by the end of an attempt at this time. */
export function isKeyExpired(
  { recordedAt }: PspOperation,
  { policy, capabilities: { keyLifetimeMs } }: Pick<DecisionContext, 'policy' | 'capabilities'>,
  at: number,
): boolean {
  return keyLifetimeMs !== null && at + policy.timeoutMs - recordedAt >= keyLifetimeMs
}

/**
 * How the outcome of a request that may have left is learned: by a status query. Where none is
 * possible, the same bytes under the same key ask the same, as long as the PSP knows the key. After
 * that nothing is sent, and only a callback ends the doubt: the step stays `query` without a call.
 */
export function learnNext(
  operation: PspOperation,
  context: DecisionContext,
  atLeastMs = 0,
): Pick<PspOperation, 'step' | 'dueAt'> {
  const isQuery = canBeQueried(operation, context)
  const asked = isQuery ? operation.queries : Math.max(0, operation.attempt - 1)
  const dueAt = context.now + Math.max(atLeastMs, queryDelayMs(context, asked))
  if (isQuery || isKeyExpired(operation, context, dueAt)) return { step: 'query', dueAt }
  // A request that is still in flight must not meet its own repeat.
  return { step: 'send', dueAt: Math.max(dueAt, operation.attemptDeadlineAt ?? 0) }
}
