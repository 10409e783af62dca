import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { CANCELED, RefundReason } from '@caudal/contracts/reasons.ts'

/** COMPLETED and FAILED are final; IN_DOUBT has been emitted and its outcome is still unknown. */
export type OperationStatus = 'PENDING' | 'IN_DOUBT' | 'COMPLETED' | 'FAILED'

/** Why an operation failed. Only a refund can be refused before it is sent. */
export type OperationReason = RefundReason | typeof CANCELED

/** What comes next: send the request, await its answer, query the status, or nothing. */
export type PspStep = 'send' | 'await' | 'query' | null

/** The state of one operation at the PSP. Times are in milliseconds since the epoch. */
export type PspOperation = {
  /** When it became known. Its idempotency key is not older. */
  recordedAt: number
  status: OperationStatus
  /** The PSP of every attempt, chosen by the first one (ADR 0019); null before it. */
  psp: string | null
  step: PspStep
  /** When `step` is due. For `await`: when the attempt counts as lost. Null in a final state. */
  dueAt: number | null
  /** Number of the last attempt, from 1; 0 before the first. */
  attempt: number
  /** Deadline for writing the last attempt to a socket and for its answer. */
  attemptDeadlineAt: number | null
  /** Attempts that used up one of the retries. */
  failures: number
  /** Some request may have reached the PSP. */
  mayHaveLeft: boolean
  /** Some request that may have reached the PSP was never answered with the PSP's own `failed`. */
  unproven: boolean
  /** Status queries so far. */
  queries: number
  /** The PSP's last answer that named a status, for the event and for people. */
  lastResponse: PspAnswer | null
  reason: OperationReason | null
  /** The PSP's transaction that moved the money although the operation had FAILED. */
  lateId: string | null
  /** The PSP took back the money that it had moved. */
  reversed: boolean
  /** It was emitted that neither a query nor a repeat can end the doubt. */
  stuck: boolean
}

/** An operation whose funds are held and for which no request was sent. */
export function newOperation(now: number): PspOperation {
  return {
    recordedAt: now,
    status: 'PENDING',
    psp: null,
    step: 'send',
    dueAt: now,
    attempt: 0,
    attemptDeadlineAt: null,
    failures: 0,
    mayHaveLeft: false,
    unproven: false,
    queries: 0,
    lastResponse: null,
    reason: null,
    lateId: null,
    reversed: false,
    stuck: false,
  }
}

/** The PSP's own id of the operation, from any of its answers; null while none has named it. */
export function itsIdOf({ lastResponse }: PspOperation): string | null {
  return lastResponse?.gateway_transaction_id ?? null
}

/** The PSP's ids that name the operation after a decision, and did not before it. */
export function newIdsOf(before: PspOperation, after: PspOperation): string[] {
  const known = [itsIdOf(before), before.lateId]
  const ids = [itsIdOf(after), after.lateId].filter((id) => id !== null)
  return ids.filter((id) => !known.includes(id))
}

/** The operation with the PSP's last answer. The PSP's id of an earlier answer is kept. */
export function answeredBy(operation: PspOperation, response: PspAnswer): PspOperation {
  const id = itsIdOf(operation)
  const named = id === null ? response : { gateway_transaction_id: id, ...response }
  return { ...operation, lastResponse: named }
}

/** Whether the operation is in a final state, which never changes. Late truth is kept beside it. */
export function isOver(operation: PspOperation): boolean {
  return operation.status === 'COMPLETED' || operation.status === 'FAILED'
}
