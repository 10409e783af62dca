import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Claimed } from '@caudal/outbound/create-outbound.ts'
import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { type Admission, decideDue, isAtOtherPsp } from '../domain/decide-due.ts'
import type { Emission, PspDecision } from '../domain/decision.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import { itsIdOf, type PspOperation, type PspStep } from '../domain/psp-operation.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import { resultEvent } from '../messaging/result-event.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import { beginAttempts, type BegunAttempt } from '../store/begin-attempts.ts'
import {
  claimDue,
  type DueLimits,
  type DueOperation,
  isSomethingDue,
  type TurnLimits,
} from '../store/claim-due.ts'
import type { OperationTable } from '../store/operation-tables.ts'
import { type ClosedAttempt, saveDecisions } from '../store/save-decisions.ts'
import type { Gate } from './admission.ts'
import { callKeyOf } from './call-key-of.ts'
import type { PspCall } from './call-psp.ts'
import type { Observer } from './observe.ts'
import { limitsReached, type Waiting } from './waiting.ts'

export type TakeDueDeps = {
  db: Db
  table: OperationTable
  adapter: PspAdapter
  region: string
  policy: RetryPolicy
  /** The name of the PSP that is called. */
  psp: string
  jitter: () => number
  gate: Gate
  queryLimits: () => TurnLimits
  waiting: Waiting
  observer: Observer
  wakeRelay: () => void
}

const MOST_LOST = 500

type Plan = {
  due: { send: CallKey[]; query: CallKey[]; lost: number }
  operations: { operationId: string; state: PspOperation }[]
  closed: ClosedAttempt[]
  begun: BegunAttempt[]
  events: OutboxEvent[]
  emitted: { facts: OperationFacts; emission: Emission }[]
  calls: PspCall[]
  dueInMs: number[]
}

/**
 * Takes operations whose step is due, of any instance. Retries are recorded as SENDING, queries are
 * leased, and attempts without a holder count as sent (rule 9). Returns the calls to be made after
 * the commit.
 */
export async function takeDue(deps: TakeDueDeps): Promise<Claimed<PspCall>> {
  const { gate, waiting } = deps
  if (!(await isSomethingDue(deps.db, deps.table))) {
    waiting.counted(0)
    return { calls: [], count: 0, more: false }
  }
  let limits: DueLimits | undefined
  const plan = await transaction(deps.db, async (tx) => {
    limits = {
      send: gate.sendLimits(),
      query: deps.queryLimits(),
      await: MOST_LOST,
      held: gate.held(),
    }
    // Read before the rows' own deadlines begin, so that ours never end later (rule 9).
    const deadline = deadlineIn(deps.policy.timeoutMs)
    const planned = decideAll(deps, await claimDue(tx, deps.table, limits), deadline)
    if (planned.operations.length > 0) await save(tx, deps.table, planned)
    return planned
  })
  if (plan.events.length > 0) deps.wakeRelay()
  for (const { facts, emission } of plan.emitted) {
    deps.observer.emitted(facts, emission)
  }
  const { due, calls, operations, dueInMs } = plan
  const areSendsLeft = limits !== undefined && waiting.claimed(due.send, limits.send)
  const areQueriesLeft = limits !== undefined && isReached(due.query, limits.query)
  const more = areSendsLeft || areQueriesLeft || due.lost >= MOST_LOST
  return { calls, count: operations.length, more, dueInMs }
}

function decideAll(
  { region, policy, psp, jitter, gate, observer, adapter }: TakeDueDeps,
  due: readonly DueOperation[],
  deadline: Deadline,
): Plan {
  const keysOf = (step: PspStep): CallKey[] =>
    due.filter(({ state }) => state.step === step).map(({ facts }) => callKeyOf(facts))
  const plan: Plan = {
    due: { send: keysOf('send'), query: keysOf('query'), lost: keysOf('await').length },
    operations: [],
    closed: [],
    begun: [],
    events: [],
    emitted: [],
    calls: [],
    dueInMs: [],
  }
  const clock = performance.now()
  const { capabilities } = adapter
  const admissions: Admission[] = gate.admit(plan.due.send)
  for (const { facts, state: before, now, requestBody } of due) {
    const { operationId } = facts
    const admission = before.step === 'send' ? (admissions.shift() ?? 'wait') : 'wait'
    const context = { now, jitter: jitter(), policy, psp, capabilities }
    const decision = decideDue(before, admission, context)
    const { operation: state, call } = decision
    const emission = decision.emission ?? submissionOf(facts, decision)
    const key = callKeyOf(facts)
    plan.operations.push({ operationId, state })
    if (isAtOtherPsp(before, { psp })) observer.atOtherPsp(facts, before.psp)
    if (before.step === 'await') {
      plan.closed.push(lostAttempt(operationId, before.attempt))
      observer.lost(facts, before.attempt)
    }
    if (emission) {
      plan.emitted.push({ facts, emission })
      plan.events.push(resultEvent(facts, emission, { region, now, psp: state.psp }))
    }
    if (call?.kind === 'send') {
      const { attempt } = call
      plan.begun.push({ operationId, number: attempt, deadlineAt: state.attemptDeadlineAt ?? now })
      const begun = { state, at: now, clock }
      plan.calls.push({ peer: 'execute', key, facts, body: requestBody, attempt, begun, deadline })
    } else if (call?.kind === 'query') {
      const { query } = call
      plan.calls.push({ peer: 'query', key, facts, query, itsId: itsIdOf(state), deadline })
    } else if (state.dueAt !== null && state.dueAt > now) {
      plan.dueInMs.push(state.dueAt - now)
    }
  }
  return plan
}

/** Whether more queries may be due than were claimed. */
function isReached(claimed: readonly CallKey[], limits: TurnLimits): boolean {
  return claimed.some(limitsReached(claimed, limits)) || limits.total === 0
}

/** The first request of a refund is about to leave, so it can no longer be canceled. */
function submissionOf(facts: OperationFacts, { call }: PspDecision): Emission | null {
  if (facts.kind === 'pay' || facts.sequence > 1) return null
  return call?.kind === 'send' && call.attempt === 1 ? { kind: 'submitted' } : null
}

function lostAttempt(operationId: string, number: number): ClosedAttempt {
  return {
    operationId,
    number,
    status: 'UNKNOWN',
    httpStatus: null,
    answerBody: null,
    latencyMs: null,
    errorClass: 'holder_lost',
  }
}

async function save(tx: Tx, table: OperationTable, plan: Plan): Promise<void> {
  await Promise.all([beginAttempts(tx, table, plan.begun), saveDecisions(tx, table, plan)])
}
