import { randomUUID } from 'node:crypto'
import type { Db } from '@caudal/postgres/types.ts'
import type { BookedPayment } from './domain/answers.ts'
import { type Behaviour, behaviourText } from './domain/behaviour.ts'
import { fingerprintOf, type PaymentRequest } from './domain/payment-request.ts'
import { planBatch } from './domain/plan-batch.ts'
import { countsFaults, type Delivery, type Outcome } from './domain/plan-outcome.ts'
import { bookBatch, type NewVerdict } from './store/book-batch.ts'
import { countFaults } from './store/count-faults.ts'
import { findPayments } from './store/find-payments.ts'

/** A request for a payment as the HTTP side hands it over. */
export interface IncomingPayment {
  /** Lower case; also the Idempotency-Key. */
  paymentId: string
  request: PaymentRequest
  amountMinor: bigint
  behaviour: Exclude<Behaviour, { kind: 'random' }>
}

/** What a request gets back. */
export interface ProcessedPayment {
  /** null: the payment has no verdict. */
  payment: BookedPayment | null
  /** The key belongs to another request: its verdict is none of the caller's business. */
  mismatch: boolean
  delivery: Delivery
  delayMs: number
}

type Known = BookedPayment & { fingerprint: string }

/**
 * THE SPINE: plans the requests that gathered, enters them in one statement, and says what each
 * gets back, in the order of the requests. A payment that has a verdict keeps it; the behaviour
 * then decides only how the verdict is delivered. Batches run one after the other.
 */
export async function processBatch(
  db: Db,
  incoming: readonly IncomingPayment[],
): Promise<ProcessedPayment[]> {
  const counting = incoming.filter(({ behaviour }) => countsFaults(behaviour))
  const faults = await countFaults(db, idsOf(counting))
  const outcomes = planBatch(incoming, faults)
  const fingerprints = incoming.map(({ request }) => fingerprintOf(request))
  const verdicts = newVerdicts(incoming, outcomes, fingerprints)
  const logged = incoming.map(({ paymentId, request, behaviour }, index) => ({
    paymentId,
    destinationAccountNumber: request.destination.account_number,
    behaviour: behaviourText(behaviour),
    delivery: outcomes[index]?.delivery ?? 'answer',
  }))
  const booked = await bookBatch(db, logged, [...verdicts.values()])
  // In the usual batch every payment is new and what was written is what is known.
  const allNew = booked === verdicts.size
  const unsure = allNew ? incoming.filter(({ paymentId }) => !verdicts.has(paymentId)) : incoming
  const found = await findPayments(db, idsOf(unsure))
  return incoming.map(({ paymentId }, index) => {
    const known = found.get(paymentId) ?? (allNew ? verdicts.get(paymentId) : undefined)
    return deliver(known, outcomes[index], fingerprints[index])
  })
}

/** One verdict a payment: the first that asks for it. Sorted, so that processes never deadlock. */
function newVerdicts(
  incoming: readonly IncomingPayment[],
  outcomes: readonly Outcome[],
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

function deliver(
  known: Known | undefined,
  outcome: Outcome | undefined,
  fingerprint: string | undefined,
): ProcessedPayment {
  const { delivery, delayMs } = outcome ?? { delivery: 'answer', delayMs: 0 }
  if (known === undefined) return { payment: null, mismatch: false, delivery, delayMs }
  if (known.fingerprint !== fingerprint) {
    return { payment: null, mismatch: true, delivery: 'answer', delayMs: 0 }
  }
  const { paymentId, verdict, gatewayTransactionId } = known
  return {
    payment: { paymentId, verdict, gatewayTransactionId },
    mismatch: false,
    delivery,
    delayMs,
  }
}

function idsOf(incoming: readonly IncomingPayment[]): string[] {
  return [...new Set(incoming.map(({ paymentId }) => paymentId))]
}
