import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { deadlineIn } from '@caudal/outbound/deadline.ts'
import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import type { Gate } from './calls/admission.ts'
import type { SendCall } from './calls/call-psp.ts'
import type { Observer } from './calls/observe.ts'
import { decideDue } from './domain/decide-due.ts'
import type { Decision } from './domain/decision.ts'
import { newPayment } from './domain/psp-payment.ts'
import type { RetryPolicy } from './domain/retry-policy.ts'
import type { ReservedPayment } from './messaging/handlers.ts'
import { resultEvent } from './messaging/result-event.ts'
import type { PspAdapter } from './psp/adapter.ts'
import { recordPayments } from './store/record-payments.ts'

export type ProcessBatchDeps = {
  region: string
  policy: RetryPolicy
  /** The name of the PSP that the adapter calls. */
  psp: string
  adapter: PspAdapter
  gate: Gate
  observer: Observer
  send: (calls: readonly SendCall[]) => void
  wakeIn: (delayMs: number) => void
}

/** The outcome of a consumed payment: recorded, or known from an earlier event. */
export type Intake = 'recorded' | 'known'

/**
 * THE SPINE, read this first. Records payments whose funds are held, with the bytes of their
 * request. For as many as calls are free, also records the first attempt as SENDING. All of that is
 * one transaction with the consumer's offsets; only `afterCommit` calls the PSP. Answers are
 * handled in calls/record-answers.ts, due payments in calls/take-due.ts.
 */
export const processBatch: ProcessBatch<ProcessBatchDeps, ReservedPayment, Intake> = async (
  deps,
  tx,
  work,
) => {
  const { adapter, policy, psp, gate } = deps
  const payments = new Map(work.map((payment) => [payment.facts.paymentId, payment]))
  const admissions = gate.admit(payments.size)
  // Read before the row's own deadline begins, so that ours never ends later (rule 9).
  const deadline = deadlineIn(policy.timeoutMs)
  const planned = [...payments.values()].map((payment, index) => ({
    payment,
    body: adapter.freeze(payment.order),
    // Times are relative to the statement that records them.
    decision: decideDue(newPayment(0), admissions[index]!, { now: 0, jitter: 0, policy, psp }),
  }))
  const { paymentIds: fresh, now } = await recordPayments(
    tx,
    planned.map(({ payment, body, decision }) => ({
      facts: payment.facts,
      requestBody: body,
      state: decision.payment,
    })),
  )
  const clock = performance.now()
  const begun = planned.filter(({ payment }) => fresh.has(payment.facts.paymentId))
  const events = begun.flatMap(({ payment: { facts }, decision: { emission } }) =>
    emission ? [resultEvent(facts, emission, { region: deps.region, now })] : [],
  )
  await addToOutbox(tx, events)
  const calls = begun.flatMap(({ payment: { facts }, body, decision }): SendCall[] => {
    const { call, payment: state } = decision
    if (call?.kind !== 'send') return []
    const { attempt } = call
    return [{ peer: 'pay', facts, body, attempt, begun: { state, at: now, clock }, deadline }]
  })
  return {
    outcomes: work.map(({ facts }) => (fresh.has(facts.paymentId) ? 'recorded' : 'known')),
    afterCommit() {
      for (const { payment, decision } of begun) report(deps, payment, decision)
      deps.send(calls)
    },
  }
}

function report(deps: ProcessBatchDeps, { facts }: ReservedPayment, decision: Decision): void {
  const { step, dueAt } = decision.payment
  if (decision.emission) deps.observer.emitted(facts, decision.emission)
  if (step === 'send' && dueAt !== null) deps.wakeIn(dueAt)
}
