import { randomUUID } from 'node:crypto'
import type { Db } from '@caudal/postgres/types.ts'
import { type Behaviour, formatBehaviour } from './domain/behaviour.ts'
import { paymentFingerprint, type PspPaymentRequest } from './domain/payment-request.ts'
import { planBatch } from './domain/plan-batch.ts'
import { countsFaults, type Delivery, type PlannedOutcome } from './domain/plan-outcome.ts'
import type { DecidedPayment } from './domain/responses.ts'
import { countFaults } from './store/count-faults.ts'
import { findPayments } from './store/find-payments.ts'
import { recordBatch, type NewVerdict } from './store/record-batch.ts'

/** A validated payment request. */
export interface IncomingPayment {
  /** In lower case; also the Idempotency-Key. */
  paymentId: string
  request: PspPaymentRequest
  amountMinor: bigint
  behaviour: Exclude<Behaviour, { kind: 'random' }>
}

/** The result of a payment request. */
export interface ProcessedPayment {
  /** null if the payment has no verdict. */
  payment: DecidedPayment | null
  /** The key belongs to a different request, whose verdict must not be disclosed. */
  mismatch: boolean
  delivery: Delivery
  delayMs: number
}

type Known = DecidedPayment & { fingerprint: string }

/**
 * The core of the simulator: decides a batch of requests, records them in one statement and returns
 * the result of each, in the order of the requests. A payment that has a verdict keeps it; the
 * behaviour then decides only how the verdict is delivered. Batches run one at a time.
 */
export async function processBatch(
  db: Db,
  incoming: readonly IncomingPayment[],
): Promise<ProcessedPayment[]> {
  const counting = incoming.filter(({ behaviour }) => countsFaults(behaviour))
  const faults = await countFaults(db, idsOf(counting))
  const outcomes = planBatch(incoming, faults)
  const fingerprints = incoming.map(({ request }) => paymentFingerprint(request))
  const verdicts = newVerdicts(incoming, outcomes, fingerprints)
  const logged = incoming.map(({ paymentId, request, behaviour }, index) => ({
    paymentId,
    destinationAccountNumber: request.destination.account_number,
    behaviour: formatBehaviour(behaviour),
    delivery: outcomes[index]?.delivery ?? 'answer',
  }))
  const inserted = await recordBatch(db, logged, [...verdicts.values()])
  // If every verdict was inserted, the inserted rows are the stored ones and need no lookup.
  const allNew = inserted === verdicts.size
  const unsure = allNew ? incoming.filter(({ paymentId }) => !verdicts.has(paymentId)) : incoming
  const found = await findPayments(db, idsOf(unsure))
  return incoming.map(({ paymentId }, index) => {
    const known = found.get(paymentId) ?? (allNew ? verdicts.get(paymentId) : undefined)
    return resultOf(known, outcomes[index], fingerprints[index])
  })
}

/** One verdict per payment, for its first request. Sorted, so that processes cannot deadlock. */
function newVerdicts(
  incoming: readonly IncomingPayment[],
  outcomes: readonly PlannedOutcome[],
  fingerprints: readonly string[],
): Map<string, NewVerdict> {
  const verdicts = new Map<string, NewVerdict>()
  for (const [index, { paymentId, request, amountMinor }] of incoming.entries()) {
    const verdict = outcomes[index]?.verdict ?? null
    const fingerprint = fingerprints[index]
    if (verdict === null || fingerprint === undefined || verdicts.has(paymentId)) continue
    verdicts.set(paymentId, {
      paymentId,
      fingerprint,
      verdict,
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

function resultOf(
  known: Known | undefined,
  outcome: PlannedOutcome | undefined,
  fingerprint: string | undefined,
): ProcessedPayment {
  const { delivery, delayMs } = outcome ?? { delivery: 'answer', delayMs: 0 }
  if (known === undefined) return { payment: null, mismatch: false, delivery, delayMs }
  if (known.fingerprint !== fingerprint) {
    return { payment: null, mismatch: true, delivery: 'answer', delayMs: 0 }
  }
  const { paymentId, verdict, gatewayTransactionId, currency } = known
  return {
    payment: { paymentId, verdict, gatewayTransactionId, currency },
    mismatch: false,
    delivery,
    delayMs,
  }
}

function idsOf(incoming: readonly IncomingPayment[]): string[] {
  return [...new Set(incoming.map(({ paymentId }) => paymentId))]
}
