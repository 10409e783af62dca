import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { hasSucceeded, transactionOf } from '../domain/decide-late.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import type { Approval } from '../domain/outcome.ts'
import { isOver, type PspOperation } from '../domain/psp-operation.ts'
import { claimTransactions, type TransactionClaim } from '../store/claim-transactions.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { OperationTable } from '../store/operation-tables.ts'
import type { PspCallResult } from './call-psp.ts'

/** The error class of an approval whose transaction id proves another operation. */
const REPEATED_ID = 'repeated_transaction_id'

/** An approval that cannot be true, for the alarm. */
export type RefusedApproval = { facts: OperationFacts; errorClass: string }

/**
 * Claims the transaction ids of approvals. An approval whose id belongs to another one becomes an
 * answer without a verdict: the operation stays in doubt, and the answer is kept (ADR 0023). An
 * approval that contradicts a final state is reported too.
 */
export async function refuseRepeatedIds(
  tx: Tx,
  table: OperationTable,
  answers: readonly PspCallResult[],
  stored: ReadonlyMap<string, StoredOperation>,
): Promise<{ results: PspCallResult[]; refused: RefusedApproval[] }> {
  const claims = new Map<PspCallResult, TransactionClaim>()
  const refused: RefusedApproval[] = []
  for (const answer of answers) {
    const { operationId } = answer.facts
    const state = stored.get(operationId)?.state
    const approval = approvalOf(answer)
    if (!approval || !state) continue
    const transactionId = approval.gateway_transaction_id
    if (isOver(state)) {
      const errorClass = contradictionOf(state, transactionId)
      if (errorClass !== null) refused.push({ facts: answer.facts, errorClass })
      if (hasSucceeded(state)) continue
    }
    claims.set(answer, { psp: state.psp ?? DEFAULT_PSP, transactionId, operationId })
  }
  const repeated = await claimTransactions(tx, table, [...claims.values()])
  const results = answers.map((answer) => {
    const claim = claims.get(answer)
    if (claim === undefined || !repeated.has(claim)) return answer
    refused.push({ facts: answer.facts, errorClass: REPEATED_ID })
    return withoutVerdict(answer)
  })
  return { results, refused }
}

/** How an approval contradicts a final state; null if it repeats it. */
function contradictionOf(state: PspOperation, transactionId: string): string | null {
  if (!hasSucceeded(state)) return 'approved_after_failure'
  const known = transactionOf(state) ?? transactionId
  return known === transactionId ? null : 'second_transaction_id'
}

function approvalOf(answer: PspCallResult): Approval | null {
  const outcome = answer.kind === 'sent' ? answer.sent.outcome : answer.found.answer
  return outcome.kind === 'approved' ? outcome.response : null
}

function withoutVerdict(answer: PspCallResult): PspCallResult {
  if (answer.kind === 'sent') {
    const facts = { ...answer.sent.facts, errorClass: REPEATED_ID }
    return { ...answer, sent: { outcome: { kind: 'ambiguous' }, facts } }
  }
  const facts = { ...answer.found.facts, errorClass: REPEATED_ID }
  return { ...answer, found: { answer: { kind: 'unknown' }, facts } }
}
