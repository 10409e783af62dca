import { foundRefundIdOf } from '@caudal/contracts/ids.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { wasFollowed } from '../domain/choose-reversal.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import type { PspOperation } from '../domain/psp-operation.ts'
import type { PspAdapter } from '../psp/adapter.ts'

/**
 * The refund that late truth about an operation is about, if it is not the operation's own. A void
 * that succeeds although a refund followed its failure moved the money a second time.
 */
export function lateRefundIdOf(
  { declineCode }: Pick<PspAdapter, 'declineCode'>,
  facts: OperationFacts,
  { lateId, lastResponse, psp }: PspOperation,
): string | undefined {
  if (facts.kind === 'pay' || lateId === null || lastResponse === null) return undefined
  const code = declineCode(facts.kind, lastResponse.error_code)
  return wasFollowed(facts, code) ? foundRefundIdOf(psp ?? DEFAULT_PSP, lateId) : undefined
}
