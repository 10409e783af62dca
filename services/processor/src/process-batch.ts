import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { callKeyOf } from './calls/call-key-of.ts'
import type { SendCall } from './calls/call-psp.ts'
import { type PlannedPayment, planPayments } from './calls/plan-payments.ts'
import type { PspAtWork, Psps } from './calls/psps.ts'
import { recordPayouts } from './calls/record-payouts.ts'
import { emitCanceled, recordRefunds } from './calls/record-refunds.ts'
import type {
  ProcessorWork,
  RequestedRefund,
  RequestedPayout,
  ReservedPayment,
} from './messaging/handlers.ts'
import { addPspChoices } from './store/payment-routes.ts'
import { recordPayments } from './store/record-payments.ts'

export type ProcessBatchDeps = {
  region: string
  psps: Psps
  /** Refunds, voids or payouts were recorded, which are due. */
  addReversals: () => void
}

/** The outcome of a consumed request: recorded, or known from an earlier event. */
export type Recording = 'recorded' | 'known'

/** What was recorded of one kind of work, by the id of what was requested. */
type Begun = { fresh: ReadonlySet<string>; afterCommit: () => void }

const NOTHING: Begun = { fresh: new Set(), afterCommit: () => {} }

/**
 * THE SPINE, read this first. Records payments whose funds are held, with their PSP and the bytes
 * of their request. For as many as may be sent now, also records the first attempt as SENDING; the
 * others are due at once and wait in the table for their turn. Refunds and payouts are recorded too
 * (see `recordRefunds`, `recordPayouts`) and are always taken from the table. All of that is one
 * transaction with the consumer's offsets; only `afterCommit` calls the PSP. Answers are handled in
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
  const asked = work.filter((one) => one.kind === 'payout')
  const payouts = asked.length > 0 ? await beginPayouts(deps, tx, asked) : NOTHING
  const reversals = refunds.length > 0 ? await beginRefunds(deps, tx, refunds) : NOTHING
  const isFresh = (one: ProcessorWork): boolean => {
    switch (one.kind) {
      case 'pay':
        return payments.fresh.has(one.facts.paymentId)
      case 'refund':
        return reversals.fresh.has(one.refundId)
      case 'payout':
        return payouts.fresh.has(one.payoutId)
      default:
        return one satisfies never
    }
  }
  return {
    outcomes: work.map((one) => (isFresh(one) ? 'recorded' : 'known')),
    afterCommit() {
      payments.afterCommit()
      reversals.afterCommit()
      payouts.afterCommit()
    },
  }
}

async function beginPayments(
  deps: ProcessBatchDeps,
  tx: Tx,
  work: readonly ReservedPayment[],
): Promise<Begun> {
  const payments = [...new Map(work.map((one) => [one.facts.paymentId, one])).values()]
  const planned = planPayments(deps.psps, payments)
  const { paymentIds: fresh, now } = await recordPayments(
    tx,
    planned.map(({ payment, body, decision }) => ({
      facts: payment.facts,
      requestBody: body,
      state: decision.operation,
    })),
  )
  const begun = planned.filter(({ payment }) => fresh.has(payment.facts.paymentId))
  await addPspChoices(
    tx,
    begun.flatMap(({ route }) => route),
  )
  const known = payments.filter(({ facts }) => !fresh.has(facts.paymentId))
  await emitCanceled(
    deps,
    tx,
    known.map(({ facts }) => facts),
  )
  const clock = performance.now()
  return {
    fresh,
    afterCommit() {
      for (const [psp, ofPsp] of Map.groupBy(begun, (one) => one.psp)) {
        hand(psp, ofPsp, { now, clock })
      }
    },
  }
}

/** Calls the PSP for the attempts that are recorded; the other payments wait for it. */
function hand(
  psp: PspAtWork,
  begun: readonly PlannedPayment[],
  { now, clock }: { now: number; clock: number },
): void {
  const calls: SendCall[] = []
  const waiting: CallKey[] = []
  for (const { payment, body, decision, deadline } of begun) {
    const { facts } = payment
    const { call, operation: state } = decision
    const key = callKeyOf(facts)
    if (call?.kind === 'send') {
      const { attempt } = call
      const sending = { state, at: now, clock }
      calls.push({ peer: 'execute', key, facts, body, attempt, begun: sending, deadline })
    } else waiting.push(key)
  }
  psp.waiting.recorded(waiting)
  psp.send(calls)
  if (waiting.length > 0) psp.addBacklog()
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

async function beginPayouts(
  deps: ProcessBatchDeps,
  tx: Tx,
  payouts: readonly RequestedPayout[],
): Promise<Begun> {
  const fresh = await recordPayouts(deps, tx, payouts)
  return {
    fresh,
    afterCommit() {
      if (fresh.size > 0) deps.addReversals()
    },
  }
}
