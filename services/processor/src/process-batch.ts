import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { deadlineIn } from '@caudal/outbound/deadline.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Gate } from './calls/admission.ts'
import { callKeyOf } from './calls/call-key-of.ts'
import type { SendCall } from './calls/call-psp.ts'
import { emitCanceled, recordRefunds } from './calls/record-refunds.ts'
import type { Waiting } from './calls/waiting.ts'
import { decideDue } from './domain/decide-due.ts'
import { moveOn } from './domain/decision.ts'
import { newOperation } from './domain/psp-operation.ts'
import type { RetryPolicy } from './domain/retry-policy.ts'
import type { ProcessorWork, RequestedRefund, ReservedPayment } from './messaging/handlers.ts'
import type { PspAdapter } from './psp/adapter.ts'
import { recordPayments } from './store/record-payments.ts'

export type ProcessBatchDeps = {
  region: string
  policy: RetryPolicy
  /** The name of the PSP that is called. */
  psp: string
  adapter: PspAdapter
  gate: Gate
  waiting: Waiting
  send: (calls: readonly SendCall[]) => void
  /** Payments were recorded that wait in the table. */
  addBacklog: () => void
  /** Refunds or voids were recorded, which are due. */
  addReversals: () => void
}

/** The outcome of a consumed request: recorded, or known from an earlier event. */
export type Recording = 'recorded' | 'known'

/** What was recorded of one kind of work, by the id of what was requested. */
type Begun = { fresh: ReadonlySet<string>; afterCommit: () => void }

const NOTHING: Begun = { fresh: new Set(), afterCommit: () => {} }

/**
 * THE SPINE, read this first. Records payments whose funds are held, with the bytes of their
 * request. For as many as may be sent now, also records the first attempt as SENDING; the others
 * are due at once and wait in the table for their turn. Refunds are recorded too (see
 * `recordRefunds`) and are always taken from the table. All of that is one transaction with the
 * consumer's offsets; only `afterCommit` calls the PSP. Answers are handled in
 * calls/record-answers.ts, due operations in calls/take-due.ts.
 */
export const processBatch: ProcessBatch<ProcessBatchDeps, ProcessorWork, Recording> = async (
  deps,
  tx,
  work,
) => {
  const reserved = work.filter((one) => one.kind === 'pay')
  const refunds = work.filter((one) => one.kind === 'refund')
  const payments = reserved.length > 0 ? await beginPayments(deps, tx, reserved) : NOTHING
  const reversals = refunds.length > 0 ? await beginRefunds(deps, tx, refunds) : NOTHING
  return {
    outcomes: work.map((one) => {
      const isFresh =
        one.kind === 'pay'
          ? payments.fresh.has(one.facts.paymentId)
          : reversals.fresh.has(one.refundId)
      return isFresh ? 'recorded' : 'known'
    }),
    afterCommit() {
      payments.afterCommit()
      reversals.afterCommit()
    },
  }
}

async function beginPayments(
  deps: ProcessBatchDeps,
  tx: Tx,
  work: readonly ReservedPayment[],
): Promise<Begun> {
  const { adapter, policy, psp, gate, waiting } = deps
  const { capabilities } = adapter
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
      ? decideDue(newOperation(0), 'send', { now: 0, jitter: 0, policy, psp, capabilities })
      : moveOn(newOperation(0)),
  }))
  const { paymentIds: fresh, now } = await recordPayments(
    tx,
    planned.map(({ payment, body, decision }) => ({
      facts: payment.facts,
      requestBody: body,
      state: decision.operation,
    })),
  )
  const known = payments.filter(({ facts }) => !fresh.has(facts.paymentId))
  await emitCanceled(
    deps,
    tx,
    known.map(({ facts }) => facts),
  )
  const clock = performance.now()
  const begun = planned.filter(({ payment }) => fresh.has(payment.facts.paymentId))
  const calls = begun.flatMap(({ payment: { facts }, body, decision }): SendCall[] => {
    const { call, operation: state } = decision
    if (call?.kind !== 'send') return []
    const { attempt } = call
    const key = callKeyOf(facts)
    const sending = { state, at: now, clock }
    return [{ peer: 'execute', key, facts, body, attempt, begun: sending, deadline }]
  })
  const waitingKeys = begun.flatMap(({ payment: { facts }, decision }) =>
    decision.call === null ? [callKeyOf(facts)] : [],
  )
  return {
    fresh,
    afterCommit() {
      waiting.recorded(waitingKeys)
      deps.send(calls)
      if (waitingKeys.length > 0) deps.addBacklog()
    },
  }
}

async function beginRefunds(
  deps: ProcessBatchDeps,
  tx: Tx,
  refunds: readonly RequestedRefund[],
): Promise<Begun> {
  const { fresh, areSomeDue } = await recordRefunds(deps, tx, refunds)
  return {
    fresh,
    afterCommit() {
      if (areSomeDue) deps.addReversals()
    },
  }
}
