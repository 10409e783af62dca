import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { followUpOf } from '../domain/choose-reversal.ts'
import { decideOutcome } from '../domain/decide-outcome.ts'
import { decideStatus } from '../domain/decide-status.ts'
import type { Emission, PspDecision } from '../domain/decision.ts'
import type { OperationFacts, ReversalFacts } from '../domain/operation-facts.ts'
import { attemptStatusOf } from '../domain/outcome.ts'
import { newIdsOf, type PspOperation } from '../domain/psp-operation.ts'
import type { DecisionContext, RetryPolicy } from '../domain/retry-policy.ts'
import { resultEvents } from '../messaging/result-event.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import { lockOperations } from '../store/lock-operations.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { OperationTable } from '../store/operation-tables.ts'
import { recordOperations } from '../store/record-operations.ts'
import { type ClosedAttempt, saveDecisions } from '../store/save-decisions.ts'
import { type AnsweredQuery, saveQueries } from '../store/save-queries.ts'
import { type PspName, wakeFactsOf } from '../store/wake-facts.ts'
import type { PspCallResult, SentResult } from './call-psp.ts'
import { type Failover, moveToNext } from './failover.ts'
import { lateRefundIdOf } from './late-refund-id.ts'
import { newReversal } from './new-requested.ts'
import type { Observer } from './observe.ts'
import { isVerdict, recordVerdicts } from './record-verdicts.ts'
import { refuseRepeatedIds } from './refuse-repeated-ids.ts'

export type RecordAnswersDeps = {
  db: Db
  /** Of the operations whose answers are recorded. */
  table: OperationTable
  adapter: PspAdapter
  region: string
  policy: RetryPolicy
  /** A number from 0 up to 1. */
  jitter: () => number
  observer: Observer
  /** null where payments have no other PSP. */
  failover: Failover | null
  /** Events were committed. */
  wakeRelay: () => void
  /** The next step of an operation is due in this many milliseconds. */
  wakeIn: (delayMs: number) => void
}

type Plan = {
  operations: { operationId: string; state: PspOperation }[]
  /** Operations that begin where others ended in vain. */
  followUps: { facts: ReversalFacts; psp: string | null }[]
  emitted: { facts: OperationFacts; emission: Emission }[]
  events: OutboxEvent[]
  dueInMs: number[]
}

/**
 * Records the results of calls: answers, new states and events are one transaction (P5). Answers
 * that arrive during a transaction share the next one. Verdicts, nearly all of them, take a single
 * statement, which is committed before the others begin. If this rejects, any of the results may be
 * stored. The caller repeats all of them: a result that is stored changes nothing and emits
 * nothing.
 */
export async function recordAnswers(
  deps: RecordAnswersDeps,
  results: readonly PspCallResult[],
): Promise<void> {
  const verdicts: SentResult[] = []
  const others: PspCallResult[] = []
  for (const result of results) {
    if (result.kind === 'sent' && isVerdict(result)) verdicts.push(result)
    else others.push(result)
  }
  if (verdicts.length > 0) {
    const emitted = await recordVerdicts(deps, verdicts)
    if (emitted) report(deps, emitted)
    else others.push(...verdicts)
  }
  if (others.length > 0) await recordLocked(deps, others)
}

/** The general path: lock, load, decide, write. */
async function recordLocked(
  deps: RecordAnswersDeps,
  answers: readonly PspCallResult[],
): Promise<void> {
  const { plan, refused, moved } = await transaction(
    deps.db,
    async (tx) => {
      const ids = [...new Set(answers.map((result) => result.facts.operationId))]
      const stored = await lockOperations(tx, deps.table, ids)
      const checked = await refuseRepeatedIds(tx, deps.table, answers, stored)
      const planned = decideAll(deps, checked.results, stored)
      await save(tx, deps, checked.results, planned)
      const leaving = unsentOf(checked.results, planned)
      const others = deps.failover && (await moveToNext(tx, deps.failover, leaving))
      await wakeFactsOf(tx, newNamesOf(planned, stored))
      return { plan: planned, refused: checked.refused, moved: others ?? new Map<string, string>() }
    },
    'answers',
  )
  if (moved.size > 0) deps.failover?.moved([...new Set(moved.values())], latest(plan.dueInMs))
  for (const { facts, errorClass } of refused) deps.observer.refused(facts, errorClass)
  report(deps, plan.emitted)
  for (const delayMs of plan.dueInMs) deps.wakeIn(delayMs)
}

/** The PSP's ids of operations that the answers were the first to name. */
function newNamesOf(plan: Plan, stored: ReadonlyMap<string, StoredOperation>): PspName[] {
  return plan.operations.flatMap(({ operationId, state }) => {
    const psp = state.psp ?? DEFAULT_PSP
    return newIdsOf(stored.get(operationId)!.state, state).map((itsId) => ({ psp, itsId }))
  })
}

/** Payments of which nothing left, after a request that could not be sent. */
function unsentOf(results: readonly PspCallResult[], plan: Plan): OperationFacts[] {
  const states = new Map(plan.operations.map(({ operationId, state }) => [operationId, state]))
  const unsent = results.filter((result) => {
    if (result.kind !== 'sent' || result.facts.kind !== 'pay') return false
    const { outcome } = result.sent
    const state = states.get(result.facts.operationId)
    const isUnsent = outcome.kind === 'not_sent' && outcome.cause !== 'deadline'
    return isUnsent && state?.step === 'send' && !state.mayHaveLeft
  })
  return [...new Map(unsent.map(({ facts }) => [facts.operationId, facts])).values()]
}

function latest(dueInMs: readonly number[]): number {
  return Math.max(0, ...dueInMs)
}

function report({ wakeRelay, observer }: RecordAnswersDeps, emitted: Plan['emitted']): void {
  if (emitted.length > 0) wakeRelay()
  for (const { facts, emission } of emitted) observer.emitted(facts, emission)
}

/** Folds the results over the operations, so that a later result sees the earlier ones. */
function decideAll(
  { region, policy, jitter, adapter }: RecordAnswersDeps,
  results: readonly PspCallResult[],
  stored: ReadonlyMap<string, StoredOperation>,
): Plan {
  const states = new Map<string, PspOperation>()
  const { capabilities } = adapter
  const plan: Plan = { operations: [], followUps: [], emitted: [], events: [], dueInMs: [] }
  let now = 0
  for (const result of results) {
    const { facts } = result
    const { operationId } = facts
    const found = stored.get(operationId)
    if (!found) throw new Error(`${facts.kind} ${operationId} is not recorded`)
    now = found.now
    const state = states.get(operationId) ?? found.state
    const decision = decide(state, result, { now, jitter: jitter(), policy, capabilities })
    states.set(operationId, decision.operation)
    const { emission } = decision
    if (!emission) continue
    const { psp } = decision.operation
    const followUp = followUpOf(facts, emission)
    if (followUp !== null) {
      plan.followUps.push({ facts: followUp, psp })
      plan.dueInMs.push(0)
      continue
    }
    plan.emitted.push({ facts, emission })
    const refundId = lateRefundIdOf(adapter, facts, decision.operation)
    plan.events.push(...resultEvents(facts, emission, { region, now, psp, refundId }))
  }
  for (const [operationId, state] of states) {
    plan.operations.push({ operationId, state })
    if (state.step === 'send' || state.step === 'query') plan.dueInMs.push((state.dueAt ?? 0) - now)
  }
  return plan
}

function decide(state: PspOperation, result: PspCallResult, context: DecisionContext): PspDecision {
  switch (result.kind) {
    case 'sent': {
      const { attempt, sent } = result
      return decideOutcome(state, { attempt, outcome: sent.outcome }, context)
    }
    case 'found': {
      const { query, found } = result
      return decideStatus(state, { query, answer: found.answer }, context)
    }
    default:
      return result satisfies never
  }
}

async function save(
  tx: Tx,
  { table, adapter }: RecordAnswersDeps,
  results: readonly PspCallResult[],
  plan: Plan,
): Promise<void> {
  const closed: ClosedAttempt[] = []
  const queries: AnsweredQuery[] = []
  for (const result of results) {
    const { operationId } = result.facts
    if (result.kind === 'sent') {
      const { outcome, facts } = result.sent
      const status = attemptStatusOf(outcome)
      closed.push({ operationId, number: result.attempt, status, ...facts })
    } else {
      const { answer, facts } = result.found
      queries.push({ operationId, number: result.query, answer: answer.kind, ...facts })
    }
  }
  await Promise.all([
    saveDecisions(tx, table, { operations: plan.operations, closed, events: plan.events }),
    saveQueries(tx, table, queries),
    recordOperations(
      tx,
      plan.followUps.map(({ facts, psp }) => newReversal(adapter, facts, psp)),
    ),
  ])
}
