import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { type Contradiction, moveOn, type PspDecision } from './decision.ts'
import type { SendOutcome, StatusAnswer } from './outcome.ts'
import type { PspOperation } from './psp-operation.ts'

const DETAILS = {
  second_transaction:
    'The PSP reported a second transaction of an operation that it carries out once.',
  failure_after_success: 'The PSP reported a failure of an operation that it had approved.',
} as const

/**
 * Applies an answer about an operation that has ended. Its status never changes. The late success
 * of a failed one is emitted once, with the transaction that moved the money. A failure after the
 * success, or another transaction, contradicts it and needs a person.
 */
export function decideLate(
  operation: PspOperation,
  answer: SendOutcome | StatusAnswer,
): PspDecision {
  switch (answer.kind) {
    case 'approved': {
      const { response } = answer
      const transactionId = response.gateway_transaction_id
      if (operation.status === 'FAILED' && operation.lateId === null) {
        const late = moveOn(operation, { lateId: transactionId })
        return { ...late, emission: { kind: 'late_success', response } }
      }
      const known = transactionOf(operation)
      if (known === null || known === transactionId) return moveOn(operation)
      return contradict(operation, 'operation_unknown', DETAILS.second_transaction)
    }
    case 'declined':
    case 'failed':
      if (!hasSucceeded(operation)) return moveOn(operation)
      return contradict(operation, 'failure_after_success', DETAILS.failure_after_success)
    default:
      return moveOn(operation)
  }
}

/** Whether the PSP moved the money, in time or late. */
export function hasSucceeded({ status, lateId }: PspOperation): boolean {
  return status === 'COMPLETED' || lateId !== null
}

/** The PSP's transaction that moved the money; null if none is known. */
export function transactionOf({ lateId, status, lastResponse }: PspOperation): string | null {
  if (lateId !== null) return lateId
  return status === 'COMPLETED' ? (lastResponse?.gateway_transaction_id ?? null) : null
}

/** Nothing changes but that a case is opened. */
export function contradict(
  operation: PspOperation,
  contradiction: CaseReason,
  detail: string,
  stated: Pick<Contradiction, 'amountMinor' | 'currency'> = {},
): PspDecision {
  const emission = { kind: 'contradicted', contradiction, detail, ...stated } as const
  return { ...moveOn(operation), emission }
}
