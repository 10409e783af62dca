import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Claimed } from '@caudal/outbound/create-outbound.ts'
import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { admissionAt, type Admission, decideDue, isAtOtherPsp } from '../domain/decide-due.ts'
import type { Emission, PspDecision } from '../domain/decision.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import { itsIdOf, type PspOperation, type PspStep } from '../domain/psp-operation.ts'
import type { PspState } from '../domain/psp-state.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import { resultEvents } from '../messaging/result-event.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import { beginAttempts, type BegunAttempt } from '../store/begin-attempts.ts'
import {
  claimDue,
  type DueLimits,
  type DueOperation,
  isSomethingDue,
  type TurnLimits,
} from '../store/claim-due.ts'
import type { ClaimedPsp } from '../store/of-psp.ts'
import type { OperationTable } from '../store/operation-tables.ts'
import { type ClosedAttempt, saveDecisions } from '../store/save-decisions.ts'
import type { Gate } from './admission.ts'
import { callKeyOf } from './call-key-of.ts'
import type { PspCall } from './call-psp.ts'
import { type Failover, moveToNext } from './failover.ts'
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
  /** Whose operations are taken. */
  claimed: ClaimedPsp
  /** The state of the PSP. */
  state: () => PspState
  /** null where payments have no other PSP. */
  failover: Failover | null
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
  /** The PSPs to which payments moved. */
  moved: string[]
}

/**
 * Takes operations whose step is due, of any instance. Retries are recorded as SENDING, queries are
 * leased, and attempts without a holder count as sent (rule 9). Returns the calls to be made after
 * the commit.
 */
export async function takeDue(deps: TakeDueDeps): Promise<Claimed<PspCall>> {
  const { gate, waiting } = deps
  if (!(await isSomethingDue(deps.db, deps.table, deps.claimed))) {
    waiting.counted(0)
    return { calls: [], count: 0, more: false }
  }
  let limits: DueLimits | undefined
  const plan = await transaction(
    deps.db,
    async (tx) => {
      limits = {
        send: gate.sendLimits(),
        query: deps.queryLimits(),
        await: MOST_LOST,
        held: gate.held(),
      }
      // Read before the rows' own deadlines begin, so that ours never end later (rule 9).
      const deadline = deadlineIn(deps.policy.timeoutMs)
      const due = await claimDue(tx, deps.table, limits, deps.claimed)
      const moved = await moveOthers(tx, deps, due)
      const planned = decideAll(deps, due, { deadline, moved })
      if (planned.operations.length > 0) await save(tx, deps.table, planned)
      return planned
    },
    'due-operations',
  )
  if (plan.moved.length > 0) deps.failover?.moved(plan.moved, 0)
  if (plan.events.length > 0) deps.wakeRelay()
  for (const { facts, emission } of plan.emitted) {
    deps.observer.emitted(facts, emission)
  }
  const { due, calls, operations, dueInMs } = plan
  const areSendsLeft = limits !== undefined && waiting.claimed(due.send, limits.send)
  const areQueriesLeft = limits !== undefined && isReached(due.query, limits.query)
  const more = areSendsLeft || areQueriesLeft || due.lost >= MOST_LOST
  return { calls, count: operations.length + plan.moved.length, more, dueInMs }
}

/** Moves payments of which nothing left, and which the PSP does not take now, to another one. */
async function moveOthers(
  tx: Tx,
  { failover }: TakeDueDeps,
  due: readonly DueOperation[],
): Promise<ReadonlyMap<string, string>> {
  if (failover === null) return new Map()
  const leaving = due.filter(
    ({ facts, state }) =>
      facts.kind === 'pay' &&
      state.step === 'send' &&
      !state.mayHaveLeft &&
      !failover.isOpen(failover.psp, callKeyOf(facts)),
  )
  return moveToNext(
    tx,
    failover,
    leaving.map(({ facts }) => facts),
  )
}

function decideAll(
  { region, policy, psp, jitter, gate, observer, adapter, state }: TakeDueDeps,
  due: readonly DueOperation[],
  { deadline, moved }: { deadline: Deadline; moved: ReadonlyMap<string, string> },
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
    moved: [...new Set(moved.values())],
  }
  const clock = performance.now()
  const { capabilities } = adapter
  const taking = { state: state(), capabilities }
  const staying = due.filter(({ facts }) => !moved.has(facts.operationId))
  const sends = staying.filter(({ state }) => state.step === 'send')
  const admissions: Admission[] = gate.admit(sends.map(({ facts }) => callKeyOf(facts)))
  for (const { facts, state: before, now, requestBody } of staying) {
    const { operationId } = facts
    const admitted = before.step === 'send' ? (admissions.shift() ?? 'wait') : 'wait'
    const admission = admissionAt(taking, facts, before, admitted)
    const context = { now, jitter: jitter(), policy, psp, capabilities }
    const decision = decideDue(before, admission, context)
    const { operation: next, call } = decision
    const emission = decision.emission ?? submissionOf(facts, decision)
    const key = callKeyOf(facts)
    plan.operations.push({ operationId, state: next })
    if (isAtOtherPsp(before, { psp })) observer.atOtherPsp(facts, before.psp)
    if (before.step === 'await') {
      plan.closed.push(lostAttempt(operationId, before.attempt))
      observer.lost(facts, before.attempt)
    }
    if (emission) {
      plan.emitted.push({ facts, emission })
      plan.events.push(...resultEvents(facts, emission, { region, now, psp: next.psp }))
    }
    if (call?.kind === 'send') {
      const { attempt } = call
      plan.begun.push({ operationId, number: attempt, deadlineAt: next.attemptDeadlineAt ?? now })
      const begun = { state: next, at: now, clock }
      plan.calls.push({ peer: 'execute', key, facts, body: requestBody, attempt, begun, deadline })
    } else if (call?.kind === 'query') {
      const { query } = call
      plan.calls.push({ peer: 'query', key, facts, query, itsId: itsIdOf(next), deadline })
    } else if (next.dueAt !== null && next.dueAt > now) {
      plan.dueInMs.push(next.dueAt - now)
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
  if (facts.kind === 'pay' || facts.kind === 'payout' || facts.sequence > 1) return null
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
