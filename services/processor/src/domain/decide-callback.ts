import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { CallbackFact, FactState } from './callback-fact.ts'
import { contradict, decideLate, hasSucceeded, transactionOf } from './decide-late.ts'
import { decideOutcome } from './decide-outcome.ts'
import { awaitVerdict, type Emission, moveOn, type PspDecision } from './decision.ts'
import { canBeQueried } from './learn-next.ts'
import { answeredBy, isOver, itsIdOf, type PspOperation } from './psp-operation.ts'
import type { DecisionContext } from './retry-policy.ts'

/** What became of a fact of a callback. */
export type FactResult = 'APPLIED' | 'NO_CHANGE' | 'PARKED' | 'CONTRADICTION'

/** The operation after a fact, and what is emitted, in order. */
export type CallbackDecision = {
  operation: PspOperation
  emissions: Emission[]
  result: FactResult
  /** Why nothing was applied; null where the result says it. */
  cause: string | null
  /** The status query, by its number, that is to be made now about an operation that has ended. */
  query: number | null
}

/** What the operation is about. */
export type Terms = { amountMinor: bigint; currency: string }

/** What decides about a fact; `psp` is the one that reported it. */
export type CallbackContext = DecisionContext & {
  psp: string
  /** The PSP's code of a failure in words of our own. */
  declineCode: DeclineCode
  /** Queries have not confirmed what the callback claims. */
  isAskedInVain: boolean
}

/** What can become of an operation; the other states are of what no operation asked for. */
const OF_OPERATIONS: readonly FactState[] = ['approved', 'failed', 'pending', 'reversed']
const DETAILS = {
  amount: 'The PSP reported another amount than that of the operation.',
  currency: 'The PSP reported another currency than that of the operation.',
  never_sent: 'The PSP reported an operation that was not sent to it.',
  late: 'The PSP reported the success of an operation that had failed, without proof.',
  failure: 'The PSP reported a failure of an operation that it had approved.',
} as const

/**
 * Applies a fact of a callback to its operation, by the decisions that answers and status queries
 * take. A fact that states another amount or currency is never applied. An operation whose callback
 * is only a hint, or has no transaction id, is asked about now; only a reversal is applied at
 * once.
 */
export function decideCallback(
  operation: PspOperation,
  terms: Terms,
  fact: CallbackFact,
  context: CallbackContext,
): CallbackDecision {
  const mismatch = mismatchOf(operation, terms, fact)
  if (mismatch !== null) return decided(operation, [mismatch])
  if (!OF_OPERATIONS.includes(fact.state)) return parked(operation, 'unknown')
  if (!isOver(operation) && operation.attempt === 0) return decideUnsent(operation, fact)
  const named = nameByFact(operation, fact, context)
  if (named !== null) return decided(operation, [named])
  if (fact.state === 'pending') return decided(operation, [decidePending(operation, context)])
  if (!isVerdict(operation, fact, context)) {
    return decided(operation, [decideHint(operation, fact, context)])
  }
  const verdict = decideVerdict(operation, fact, context)
  if (fact.state !== 'reversed') return decided(operation, [verdict])
  const isKnown = hasSucceeded(operation)
  const before = isKnown ? operation : verdict.operation
  return decided(operation, [...(isKnown ? [] : [verdict]), decideReversal(before, fact)])
}

/** Puts decisions that follow each other together. */
function decided(before: PspOperation, decisions: readonly PspDecision[]): CallbackDecision {
  const operation = decisions.at(-1)?.operation ?? before
  const call = decisions.at(-1)?.call
  const query = call?.kind === 'query' ? call.query : null
  const emissions = decisions.flatMap(({ emission }) => (emission === null ? [] : [emission]))
  const contradiction = emissions.find(({ kind }) => kind === 'contradicted')
  if (contradiction?.kind === 'contradicted') {
    const cause = contradiction.contradiction
    return { operation, emissions, result: 'CONTRADICTION', cause, query }
  }
  const isApplied = emissions.length > 0 || decisions.some((one) => one.operation !== before)
  return { operation, emissions, result: isApplied ? 'APPLIED' : 'NO_CHANGE', cause: null, query }
}

function parked(operation: PspOperation, cause: string): CallbackDecision {
  return { operation, emissions: [], result: 'PARKED', cause, query: null }
}

/** The same operation, so that `decided` sees that nothing changed. */
function unchanged(operation: PspOperation): PspDecision {
  return { operation, emission: null, call: null }
}

function mismatchOf(
  operation: PspOperation,
  { amountMinor, currency }: Terms,
  fact: CallbackFact,
): PspDecision | null {
  if (fact.currency !== null && fact.currency !== currency) {
    return contradict(operation, 'currency_mismatch', DETAILS.currency)
  }
  if (fact.amountMinor === null || fact.amountMinor === amountMinor) return null
  const stated = { amountMinor: fact.amountMinor, currency }
  return contradict(operation, 'amount_mismatch', DETAILS.amount, stated)
}

/** No request of it left, so it is not this operation whose money moved. */
function decideUnsent(operation: PspOperation, { state }: CallbackFact): CallbackDecision {
  if (state !== 'approved' && state !== 'reversed') return parked(operation, 'never_sent')
  return decided(operation, [contradict(operation, 'operation_unknown', DETAILS.never_sent)])
}

/**
 * A PSP that is asked by its own id has named it now, where no answer did: the operation can be
 * asked about from now on. Null where the fact is a verdict or the id is known.
 */
function nameByFact(
  operation: PspOperation,
  fact: CallbackFact,
  context: CallbackContext,
): PspDecision | null {
  const { itsId, state } = fact
  if (context.capabilities.queryBy !== 'its_id' || itsId === null) return null
  if (isOver(operation) || itsIdOf(operation) !== null) return null
  if (state !== 'pending' && isVerdict(operation, fact, context)) return null
  const named = answeredBy(operation, { status: 'pending', gateway_transaction_id: itsId })
  // The answer may still come, and tells no less than that the request is pending.
  const isAwaited = operation.step === 'await' && state === 'pending'
  return isAwaited ? moveOn(named) : queryNow(named, context)
}

/** The PSP has the request. One that is about to be repeated is asked about instead. */
function decidePending(operation: PspOperation, context: CallbackContext): PspDecision {
  return operation.step === 'send' ? awaitVerdict(operation, context) : unchanged(operation)
}

/**
 * A reversal is a verdict whatever the trust: a query tells no more of what was approved and
 * undone. A failure releases money, so it is confirmed by a query where the PSP can be asked, and
 * believed of a trusted one when queries have told nothing.
 */
function isVerdict(
  operation: PspOperation,
  { state, itsId }: CallbackFact,
  context: CallbackContext,
): boolean {
  if (state === 'reversed' && itsId !== null) return true
  if (context.capabilities.callbackTrust !== 'verdict') return false
  if (state !== 'failed') return itsId !== null
  return context.isAskedInVain || !canBeAsked(operation, itsId, context)
}

function decideHint(
  operation: PspOperation,
  { state, itsId }: CallbackFact,
  context: CallbackContext,
): PspDecision {
  if (!isOver(operation)) return queryNow(operation, context)
  if (hasSucceeded(operation)) {
    if (state !== 'failed') return unchanged(operation)
    return contradict(operation, 'failure_after_success', DETAILS.failure)
  }
  if (state === 'failed') return unchanged(operation)
  if (!context.isAskedInVain && canBeAsked(operation, itsId, context)) return ask(operation)
  return contradict(operation, 'success_after_failure', DETAILS.late)
}

/** The callback itself may name the operation as the PSP is asked about it. */
function canBeAsked(
  operation: PspOperation,
  itsId: string | null,
  context: CallbackContext,
): boolean {
  const isByItsId = context.capabilities.queryBy === 'its_id' && itsId !== null
  return isByItsId || canBeQueried(operation, context)
}

/** Its step stays null: the query is made once, and only its answer is truth. */
function ask(operation: PspOperation): PspDecision {
  const query = operation.queries + 1
  return { ...moveOn(operation, { queries: query }), call: { kind: 'query', query } }
}

/** The status is queried at once: a request may have left, whatever its answer was. */
export function queryNow(operation: PspOperation, { now }: Pick<DecisionContext, 'now'>) {
  return moveOn(operation, { mayHaveLeft: true, unproven: true, step: 'query', dueAt: now })
}

/** An approval, a failure, or an approval that has already been taken back. */
function decideVerdict(
  operation: PspOperation,
  { state, itsId, reasonCode }: CallbackFact,
  context: CallbackContext,
): PspDecision {
  const psp = operation.psp ?? context.psp
  if (state === 'failed' || itsId === null) {
    const response = { status: 'failed', ...(reasonCode !== null && { error_code: reasonCode }) }
    const { declineCode } = context
    const outcome = { kind: 'declined', response, declineCode } as const
    return sameIfUnmoved(operation, applyVerdict(operation, outcome, context))
  }
  const response = { status: 'approved', gateway_transaction_id: itsId }
  const outcome = { kind: 'approved', response } as const
  return sameIfUnmoved(operation, applyVerdict({ ...operation, psp }, outcome, context))
}

function applyVerdict(
  operation: PspOperation,
  outcome: Parameters<typeof decideOutcome>[1]['outcome'],
  context: CallbackContext,
): PspDecision {
  if (isOver(operation)) return decideLate(operation, outcome)
  return decideOutcome(operation, { attempt: operation.attempt, outcome }, context)
}

/** A verdict that changes something emits it. */
function sameIfUnmoved(operation: PspOperation, decision: PspDecision): PspDecision {
  return decision.emission === null ? unchanged(operation) : decision
}

function decideReversal(operation: PspOperation, { itsId, reasonCode }: CallbackFact): PspDecision {
  const known = transactionOf(operation)
  const transactionId = known ?? itsId
  if (transactionId === null || operation.reversed) return unchanged(operation)
  if (itsId !== null && itsId !== transactionId) {
    return contradict(operation, 'operation_unknown', DETAILS.never_sent)
  }
  const emission = { kind: 'reversed', transactionId, reason: reasonCode } as const
  return { ...moveOn(operation, { reversed: true }), emission }
}
