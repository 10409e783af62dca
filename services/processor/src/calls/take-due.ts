import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Claimed } from '@caudal/outbound/create-outbound.ts'
import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { type Admission, decideDue, isAtOtherPsp } from '../domain/decide-due.ts'
import type { Emission } from '../domain/decision.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import type { PspStep, PspPayment } from '../domain/psp-payment.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import { resultEvent } from '../messaging/result-event.ts'
import { beginAttempts, type BegunAttempt } from '../store/begin-attempts.ts'
import {
  claimDuePayments,
  type DueLimits,
  type DuePayment,
  isSomethingDue,
  type TurnLimits,
} from '../store/claim-due-payments.ts'
import { type ClosedAttempt, saveDecisions } from '../store/save-decisions.ts'
import type { Gate } from './admission.ts'
import { callKeyOf } from './call-key-of.ts'
import type { PspCall } from './call-psp.ts'
import type { Observer } from './observe.ts'
import { limitsReached, type Waiting } from './waiting.ts'

export type TakeDueDeps = {
  db: Db
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
  payments: { paymentId: string; state: PspPayment }[]
  closed: ClosedAttempt[]
  begun: BegunAttempt[]
  events: OutboxEvent[]
  emitted: { facts: PaymentFacts; emission: Emission }[]
  calls: PspCall[]
  dueInMs: number[]
}

/**
 * Takes payments whose step is due, of any instance. Retries are recorded as SENDING, queries are
 * leased, and attempts without a holder count as sent (rule 9). Returns the calls to be made after
 * the commit.
 */
export async function takeDue(deps: TakeDueDeps): Promise<Claimed<PspCall>> {
  const { gate, waiting } = deps
  if (!(await isSomethingDue(deps.db))) {
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
    const planned = decideAll(deps, await claimDuePayments(tx, limits), deadline)
    if (planned.payments.length > 0) await save(tx, planned)
    return planned
  })
  if (plan.events.length > 0) deps.wakeRelay()
  for (const { facts, emission } of plan.emitted) {
    deps.observer.emitted(facts, emission)
  }
  const { due, calls, payments, dueInMs } = plan
  const areSendsLeft = limits !== undefined && waiting.claimed(due.send, limits.send)
  const areQueriesLeft = limits !== undefined && isReached(due.query, limits.query)
  const more = areSendsLeft || areQueriesLeft || due.lost >= MOST_LOST
  return { calls, count: payments.length, more, dueInMs }
}

function decideAll(
  { region, policy, psp, jitter, gate, observer }: TakeDueDeps,
  due: readonly DuePayment[],
  deadline: Deadline,
): Plan {
  const keysOf = (step: PspStep): CallKey[] =>
    due.filter(({ state }) => state.step === step).map(({ facts }) => callKeyOf(facts))
  const plan: Plan = {
    due: { send: keysOf('send'), query: keysOf('query'), lost: keysOf('await').length },
    payments: [],
    closed: [],
    begun: [],
    events: [],
    emitted: [],
    calls: [],
    dueInMs: [],
  }
  const clock = performance.now()
  const admissions: Admission[] = gate.admit(plan.due.send)
  for (const { facts, state: before, now, requestBody } of due) {
    const { paymentId } = facts
    const admission = before.step === 'send' ? (admissions.shift() ?? 'wait') : 'wait'
    const decision = decideDue(before, admission, { now, jitter: jitter(), policy, psp })
    const { payment, call, emission } = decision
    const key = callKeyOf(facts)
    plan.payments.push({ paymentId, state: payment })
    if (isAtOtherPsp(before, { psp })) observer.atOtherPsp(facts, before.psp)
    if (before.step === 'await') {
      plan.closed.push(lostAttempt(paymentId, before.attempt))
      observer.lost(facts, before.attempt)
    }
    if (emission) {
      plan.emitted.push({ facts, emission })
      plan.events.push(resultEvent(facts, emission, { region, now }))
    }
    if (call?.kind === 'send') {
      const { attempt } = call
      plan.begun.push({ paymentId, number: attempt, deadlineAt: payment.attemptDeadlineAt ?? now })
      const begun = { state: payment, at: now, clock }
      plan.calls.push({ peer: 'pay', key, facts, body: requestBody, attempt, begun, deadline })
    } else if (call?.kind === 'query') {
      plan.calls.push({ peer: 'status', key, facts, query: call.query, deadline })
    } else if (payment.dueAt !== null && payment.dueAt > now) {
      plan.dueInMs.push(payment.dueAt - now)
    }
  }
  return plan
}

/** Whether more queries may be due than were claimed. */
function isReached(claimed: readonly CallKey[], limits: TurnLimits): boolean {
  return claimed.some(limitsReached(claimed, limits)) || limits.total === 0
}

function lostAttempt(paymentId: string, number: number): ClosedAttempt {
  return {
    paymentId,
    number,
    status: 'UNKNOWN',
    httpStatus: null,
    answerBody: null,
    latencyMs: null,
    errorClass: 'holder_lost',
  }
}

async function save(tx: Tx, plan: Plan): Promise<void> {
  await Promise.all([beginAttempts(tx, plan.begun), saveDecisions(tx, plan)])
}
