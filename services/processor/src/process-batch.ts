import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { deadlineIn } from '@caudal/outbound/deadline.ts'
import type { Gate } from './calls/admission.ts'
import { callKeyOf } from './calls/call-key-of.ts'
import type { SendCall } from './calls/call-psp.ts'
import type { Waiting } from './calls/waiting.ts'
import { decideDue } from './domain/decide-due.ts'
import { moveOn } from './domain/decision.ts'
import { newPayment } from './domain/psp-payment.ts'
import type { RetryPolicy } from './domain/retry-policy.ts'
import type { ReservedPayment } from './messaging/handlers.ts'
import type { PspAdapter } from './psp/adapter.ts'
import { recordPayments } from './store/record-payments.ts'

export type ProcessBatchDeps = {
  policy: RetryPolicy
  /** The name of the PSP that is called. */
  psp: string
  adapter: PspAdapter
  gate: Gate
  waiting: Waiting
  send: (calls: readonly SendCall[]) => void
  /** Payments were recorded that wait in the table. */
  addBacklog: () => void
}

/** The outcome of a consumed payment: recorded, or known from an earlier event. */
export type PaymentRecording = 'recorded' | 'known'

/**
 * THE SPINE, read this first. Records payments whose funds are held, with the bytes of their
 * request. For as many as may be sent now, also records the first attempt as SENDING; the others
 * are due at once and wait in the table for their turn. All of that is one transaction with the
 * consumer's offsets; only `afterCommit` calls the PSP. Answers are handled in
 * calls/record-answers.ts, due payments in calls/take-due.ts.
 */
export const processBatch: ProcessBatch<
  ProcessBatchDeps,
  ReservedPayment,
  PaymentRecording
> = async (deps, tx, work) => {
  const { adapter, policy, psp, gate, waiting } = deps
  const payments = [...new Map(work.map((one) => [one.facts.paymentId, one])).values()]
  // Read before the row's own deadline begins, so that ours never ends later (rule 9).
  const deadline = deadlineIn(policy.timeoutMs)
  const candidates = payments.filter(({ facts }) => !waiting.has(callKeyOf(facts)))
  const admissions = gate.admit(candidates.map(({ facts }) => callKeyOf(facts)))
  const admitted = new Set(candidates.filter((_, index) => admissions[index] === 'send'))
  const planned = payments.map((payment) => ({
    payment,
    body: adapter.freeze(payment.order),
    // Times are relative to the statement that records them.
    decision: admitted.has(payment)
      ? decideDue(newPayment(0), 'send', { now: 0, jitter: 0, policy, psp })
      : moveOn(newPayment(0)),
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
  const calls = begun.flatMap(({ payment: { facts }, body, decision }): SendCall[] => {
    const { call, payment: state } = decision
    if (call?.kind !== 'send') return []
    const { attempt } = call
    const key = callKeyOf(facts)
    return [{ peer: 'pay', key, facts, body, attempt, begun: { state, at: now, clock }, deadline }]
  })
  const waitingKeys = begun.flatMap(({ payment: { facts }, decision }) =>
    decision.call === null ? [callKeyOf(facts)] : [],
  )
  return {
    outcomes: work.map(({ facts }) => (fresh.has(facts.paymentId) ? 'recorded' : 'known')),
    afterCommit() {
      waiting.recorded(waitingKeys)
      deps.send(calls)
      if (waitingKeys.length > 0) deps.addBacklog()
    },
  }
}
