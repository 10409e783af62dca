import { randomUUID } from 'node:crypto'
import type { Db } from '@caudal/postgres/types.ts'
import { type ChosenBehaviour, formatBehaviour } from '@caudal/simulator-kit/behaviour.ts'
import type { NewCallback } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { planBatch } from '@caudal/simulator-kit/plan-batch.ts'
import {
  countsFaults,
  type Delivery,
  type PlannedOutcome,
} from '@caudal/simulator-kit/plan-outcome.ts'
import { chargeAgain } from './charge-again.ts'
import { paymentFingerprint, type PspPaymentRequest } from './domain/payment-request.ts'
import type { DecidedPayment } from './domain/payment-responses.ts'
import { reportPayment } from './report-payment.ts'
import { countFaults } from './store/count-faults.ts'
import { findPayments } from './store/find-payments.ts'
import { recordBatch, type NewVerdict } from './store/record-batch.ts'

/** A validated payment request. */
export interface IncomingPayment {
  /** In lower case; also the Idempotency-Key. */
  paymentId: string
  request: PspPaymentRequest
  amountMinor: bigint
  behaviour: ChosenBehaviour
}

/** The result of a payment request. */
export interface ProcessedPayment {
  /** null if the payment has no verdict. */
  payment: DecidedPayment | null
  /** The key belongs to a different request, whose verdict must not be disclosed. */
  mismatch: boolean
  delivery: Delivery
  delayMs: number
  /** The response waits for the first delivery of its callback. */
  awaitsCallback: boolean
}

export interface ProcessBatchDeps {
  db: Db
  callbacks: Pick<Callbacks, 'enabled' | 'wake'>
}

type Known = DecidedPayment & { fingerprint: string }

/**
 * The core of the simulator: decides a batch of requests, records them in one statement and returns
 * the result of each, in the order of the requests. A payment that has a verdict keeps it; the
 * behaviour then decides only how the verdict is delivered. Batches run one at a time.
 */
export async function processBatch(
  { db, callbacks }: ProcessBatchDeps,
  incoming: readonly IncomingPayment[],
): Promise<ProcessedPayment[]> {
  const counting = incoming.filter(({ behaviour }) => countsFaults(behaviour))
  const faults = await countFaults(db, idsOf(counting))
  const outcomes = planBatch(
    incoming.map(({ paymentId, behaviour }) => ({ operationId: paymentId, behaviour })),
    faults,
  )
  const fingerprints = incoming.map(({ request }) => paymentFingerprint(request))
  const verdicts = newVerdicts(incoming, outcomes, fingerprints)
  const logged = incoming.map(({ paymentId, request, behaviour }, index) => ({
    paymentId,
    destinationAccountNumber: request.destination.account_number,
    behaviour: formatBehaviour(behaviour),
    delivery: outcomes[index]?.delivery ?? 'answer',
  }))
  const effects = callbacks.enabled ? callbacksAbout(verdicts.values()) : []
  const reversed = [...verdicts.values()].filter(({ outcome }) => isReversed(outcome))
  const inserted = await recordBatch(db, logged, [...verdicts.values()], { effects, reversed })
  if (effects.length > 0) callbacks.wake()
  // If every verdict was inserted, the inserted rows are the stored ones and need no lookup.
  const allNew = inserted === verdicts.size
  const unsure = allNew ? incoming.filter(({ paymentId }) => !verdicts.has(paymentId)) : incoming
  const found = await findPayments(db, idsOf(unsure))
  const results = incoming.map(({ paymentId }, index) => {
    const known = found.get(paymentId) ?? (allNew ? verdicts.get(paymentId) : undefined)
    return resultOf(known, outcomes[index], fingerprints[index])
  })
  if (!outcomes.some(({ forgetsKey }) => forgetsKey)) return results
  return chargeAgain({ db, callbacks }, { incoming, outcomes, verdicts, results })
}

/** A verdict and how the bank came to it. */
type PlannedVerdict = NewVerdict & { outcome: PlannedOutcome }

/** One verdict per payment, for its first request. Sorted, so that processes cannot deadlock. */
function newVerdicts(
  incoming: readonly IncomingPayment[],
  outcomes: readonly PlannedOutcome[],
  fingerprints: readonly string[],
): Map<string, PlannedVerdict> {
  const verdicts = new Map<string, PlannedVerdict>()
  for (const [index, { paymentId, request, amountMinor }] of incoming.entries()) {
    const outcome = outcomes[index]
    const verdict = outcome?.verdict ?? null
    const fingerprint = fingerprints[index]
    if (outcome === undefined || verdict === null || fingerprint === undefined) continue
    if (verdicts.has(paymentId)) continue
    verdicts.set(paymentId, {
      paymentId,
      fingerprint,
      verdict,
      outcome,
      gatewayTransactionId: verdict === 'approved' ? randomUUID() : null,
      amountMinor,
      currency: request.currency,
      sourceAccountNumber: request.source.account_number,
      destinationAccountNumber: request.destination.account_number,
      destinationBankCode: request.destination.bank_code,
    })
  }
  return new Map([...verdicts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isReversed({ verdict, callback }: PlannedOutcome): boolean {
  return callback.reverses && verdict === 'approved'
}

function callbacksAbout(verdicts: Iterable<PlannedVerdict>): NewCallback[] {
  return [...verdicts].flatMap((decided) => reportPayment(decided, decided.outcome))
}

function resultOf(
  known: Known | undefined,
  outcome: PlannedOutcome | undefined,
  fingerprint: string | undefined,
): ProcessedPayment {
  const { delivery, delayMs } = outcome ?? { delivery: 'answer', delayMs: 0 }
  const awaitsCallback = outcome?.callback.beforeAnswer ?? false
  const how = { delivery, delayMs, awaitsCallback }
  if (known === undefined) return { payment: null, mismatch: false, ...how }
  if (known.fingerprint !== fingerprint) {
    return { payment: null, mismatch: true, delivery: 'answer', delayMs: 0, awaitsCallback: false }
  }
  const { paymentId, verdict, gatewayTransactionId, amountMinor, currency } = known
  const payment = { paymentId, verdict, gatewayTransactionId, amountMinor, currency }
  return { payment, mismatch: false, ...how }
}

function idsOf(incoming: readonly IncomingPayment[]): string[] {
  return [...new Set(incoming.map(({ paymentId }) => paymentId))]
}
