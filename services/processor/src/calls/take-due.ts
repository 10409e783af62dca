import type { Claimed } from '@caudal/outbound/create-outbound.ts'
import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { type Admission, decideDue, isAtOtherPsp } from '../domain/decide-due.ts'
import type { Emission } from '../domain/decision.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import type { PspPayment } from '../domain/psp-payment.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import { resultEvent } from '../messaging/result-event.ts'
import { beginAttempts, type BegunAttempt } from '../store/begin-attempts.ts'
import { claimDue, type DueLimits, type DuePayment, isSomethingDue } from '../store/claim-due.ts'
import { type ClosedAttempt, saveDecisions } from '../store/save-decisions.ts'
import type { Gate } from './admission.ts'
import type { PspCall } from './call-psp.ts'
import type { Observer } from './observe.ts'

export type TakeDueDeps = {
  db: Db
  region: string
  policy: RetryPolicy
  /** The name of the PSP that is called. */
  psp: string
  jitter: () => number
  gate: Gate
  observer: Observer
  freeQueries: () => number
  wakeRelay: () => void
}

const MOST_LOST = 500

type Plan = {
  due: { send: number; query: number; await: number }
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
  if (!(await isSomethingDue(deps.db))) return { calls: [], count: 0, more: false }
  let limits: DueLimits = { send: 0, query: 0, await: MOST_LOST }
  const plan = await transaction(deps.db, async (tx) => {
    limits = { ...limits, send: deps.gate.wanted(), query: Math.max(0, deps.freeQueries()) }
    // Read before the rows' own deadlines begin, so that ours never end later (rule 9).
    const deadline = deadlineIn(deps.policy.timeoutMs)
    const planned = decideAll(deps, await claimDue(tx, limits), deadline)
    if (planned.payments.length > 0) await save(tx, planned)
    return planned
  })
  if (plan.events.length > 0) deps.wakeRelay()
  for (const { facts, emission } of plan.emitted) {
    deps.observer.emitted(facts, emission)
  }
  const { due, calls, payments, dueInMs } = plan
  const more = due.send >= limits.send || due.query >= limits.query || due.await >= limits.await
  return { calls, count: payments.length, more, dueInMs }
}

function decideAll(
  { region, policy, psp, jitter, gate, observer }: TakeDueDeps,
  due: readonly DuePayment[],
  deadline: Deadline,
): Plan {
  const dueFor = (step: keyof DueLimits): number =>
    due.filter(({ state }) => state.step === step).length
  const plan: Plan = {
    due: { send: dueFor('send'), query: dueFor('query'), await: dueFor('await') },
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
      plan.calls.push({ peer: 'pay', facts, body: requestBody, attempt, begun, deadline })
    } else if (call?.kind === 'query') {
      plan.calls.push({ peer: 'status', facts, query: call.query, deadline })
    } else if (payment.dueAt !== null) {
      plan.dueInMs.push(payment.dueAt - now)
    }
  }
  return plan
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
