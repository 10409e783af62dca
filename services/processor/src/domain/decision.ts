import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type {
  CaseReason,
  DisputeOutcome,
  PspReason,
  RefundReason,
} from '@caudal/contracts/reasons.ts'
import { canBeQueried, learnNext } from './learn-next.ts'
import type { Approval } from './outcome.ts'
import type { PspOperation } from './psp-operation.ts'
import type { DecisionContext } from './retry-policy.ts'

/** What is emitted about an operation. Only refunds are `submitted` or `refused`. */
export type Emission =
  | { kind: 'submitted' }
  | { kind: 'completed'; response: PspAnswer; psp: string | null }
  | Failure
  | { kind: 'in_doubt' }
  | { kind: 'canceled' }
  | Refusal
  | LateTruth

type Failure = {
  kind: 'failed'
  reason: PspReason
  response: PspAnswer
  declineCode?: DeclineCode | undefined
}

/** What a PSP reveals about an operation that has ended, or beside the operations. */
export type LateTruth =
  /** The money of an operation that had FAILED moved. */
  | { kind: 'late_success'; response: Approval }
  /** The money that moved was taken back; `reason` is the PSP's, if it states one. */
  | { kind: 'reversed'; transactionId: string; reason: string | null }
  | MoneyReturned
  | Disputed
  | Contradiction

/** The receiving bank returned money of a payment, or of one that is not known. */
export type MoneyReturned = {
  kind: 'returned'
  /** The PSP's id of the return. */
  reference: string
  amountMinor: bigint
  currency: string
  /** What the bank kept beside the amount; null if it states none. */
  chargesMinor: bigint | null
  /** As the bank spells it; null if it states none. */
  reason: string | null
}

/** The payer disputes a payment, or a dispute ended. The money of a lost one came back. */
export type Disputed = Omit<MoneyReturned, 'kind' | 'chargesMinor'> & {
  kind: 'disputed'
  /** null: it is open. */
  outcome: DisputeOutcome | null
}

/** A fact that contradicts the operation. `detail` is a sentence for the case. */
export type Contradiction = {
  kind: 'contradicted'
  contradiction: CaseReason
  detail: string
  /** As the PSP states them, where they are what contradicts. */
  amountMinor?: bigint
  currency?: string
}

/** A refund that may not be sent. */
export type Refusal = { kind: 'refused'; reason: RefundReason }

/** A call to be made once the decision is committed. */
export type PlannedCall = { kind: 'send'; attempt: number } | { kind: 'query'; query: number }

export type PspDecision = {
  operation: PspOperation
  emission: Emission | null
  call: PlannedCall | null
}

/** Nothing to emit and nothing to call: the operation only moves on. */
export function moveOn(operation: PspOperation, changes: Partial<PspOperation> = {}): PspDecision {
  return { operation: { ...operation, ...changes }, emission: null, call: null }
}

/** The PSP approved. */
export function complete(operation: PspOperation, response: PspAnswer): PspDecision {
  return {
    operation: {
      ...operation,
      status: 'COMPLETED',
      step: null,
      dueAt: null,
      lastResponse: response,
    },
    emission: { kind: 'completed', response, psp: operation.psp },
    call: null,
  }
}

/** Certainly no money moved and none will. */
export function fail(
  operation: PspOperation,
  reason: PspReason,
  response: PspAnswer,
  declineCode?: DeclineCode,
): PspDecision {
  const over = { status: 'FAILED', step: null, dueAt: null, reason } as const
  return {
    operation: { ...operation, ...over, lastResponse: response },
    emission: { kind: 'failed', reason, response, ...(declineCode && { declineCode }) },
    call: null,
  }
}

/** The outcome is unknown: emitted once, then the PSP is asked until it is known. */
export function doubt(operation: PspOperation, context: DecisionContext): PspDecision {
  return {
    operation: { ...operation, status: 'IN_DOUBT', ...learnNext(operation, context) },
    emission: operation.status === 'IN_DOUBT' ? null : { kind: 'in_doubt' },
    call: null,
  }
}

const STUCK = 'No query and no repeat can show the outcome of the operation any more.'

/**
 * Neither a query nor a repeat can end the doubt any more, only a callback or a person. That is
 * emitted once; the operation stays in doubt and is never sent again.
 */
export function reportStuck(operation: PspOperation, context: DecisionContext): PspDecision {
  if (operation.status !== 'IN_DOUBT') return doubt(operation, context)
  const next = canBeQueried(operation, context)
    ? learnNext(operation, context)
    : ({ step: 'query', dueAt: context.now + context.policy.queryMaxMs } as const)
  const waiting = moveOn(operation, { ...next, stuck: true })
  if (operation.stuck) return waiting
  const emission = {
    kind: 'contradicted',
    contradiction: 'outcome_unknown',
    detail: STUCK,
  } as const
  return { ...waiting, emission }
}

const UNREACHABLE = { status: 'failed', message: 'The payment gateway could not be reached.' }
const CIRCUIT_OPEN = {
  status: 'failed',
  message: 'The payment gateway is not asked at the moment.',
}

/**
 * Accepted, to be decided later. The request is in flight at the PSP, so only a verdict ends it;
 * the PSP is asked on a schedule until there is one.
 */
export function awaitVerdict(operation: PspOperation, context: DecisionContext): PspDecision {
  const accepted = { ...operation, mayHaveLeft: true, unproven: true }
  return moveOn(accepted, learnNext(accepted, context))
}

/**
 * Ends the attempts for now. An operation without a sent request fails. If all its attempts were
 * answered, a status query decides. Any other operation, and one that cannot be asked about, is in
 * doubt (rule 9).
 */
export function giveUp(
  operation: PspOperation,
  reason: 'gateway_unreachable' | 'circuit_open',
  context: DecisionContext,
): PspDecision {
  if (!operation.mayHaveLeft) {
    if (reason === 'circuit_open') return fail(operation, reason, CIRCUIT_OPEN)
    // Every answer that came proves that nothing was accepted.
    const { lastResponse } = operation
    return lastResponse === null
      ? fail(operation, reason, UNREACHABLE)
      : fail(operation, 'gateway_unavailable', lastResponse)
  }
  const isDoubtful = operation.unproven || operation.status === 'IN_DOUBT'
  if (isDoubtful || !canBeQueried(operation, context)) return doubt(operation, context)
  return moveOn(operation, { step: 'query', dueAt: context.now })
}
