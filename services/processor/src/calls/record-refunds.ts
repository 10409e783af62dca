import { voidIdOf } from '@caudal/contracts/ids.ts'
import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { chooseReversal, type PaymentAtPsp } from '../domain/choose-reversal.ts'
import type { Refusal } from '../domain/decision.ts'
import type { PaymentFacts, ReversalFacts } from '../domain/operation-facts.ts'
import type { RequestedRefund } from '../messaging/handlers.ts'
import { resultEvents } from '../messaging/result-event.ts'
import { findKnownRequests, findReversible } from '../store/find-reversible.ts'
import { finishCanceled } from '../store/finish-canceled.ts'
import { OPERATIONS, PAYMENTS } from '../store/operation-tables.ts'
import { type NewRequested, recordOperations } from '../store/record-operations.ts'
import { newReversal, refusedReversal } from './new-requested.ts'
import type { Psps } from './psps.ts'

export type RecordRefundsDeps = { region: string; psps: Psps }

/** The ids of refunds that are new, and whether any of them is due at the PSP. */
export type RecordedRefunds = { fresh: ReadonlySet<string>; areSomeDue: boolean }

type Planned = { refundId: string; reversal: NewRequested; refusal: Refusal | null }

/**
 * Records refunds as operations at the PSP: a void of the payment or a refund, with frozen bytes.
 * One that may not be sent is recorded as failed, with its event. One that was canceled before is
 * not recorded; its event is emitted once.
 */
export async function recordRefunds(
  deps: RecordRefundsDeps,
  tx: Tx,
  work: readonly RequestedRefund[],
): Promise<RecordedRefunds> {
  const { region, psps } = deps
  const psp = psps.default.name
  const refunds = [...new Map(work.map((one) => [one.refundId, one])).values()]
  const known = await findKnownRequests(
    tx,
    refunds.map(({ refundId }) => refundId),
  )
  const unknown = refunds.filter(({ refundId }) => !known.has(refundId))
  const planned = await planRefunds(deps, tx, unknown)
  const { operationIds, now } = await recordOperations(
    tx,
    planned.map(({ reversal }) => reversal),
  )
  const fresh = planned.filter(({ reversal }) => operationIds.has(reversal.facts.operationId))
  const refusals = fresh.flatMap(({ reversal: { facts }, refusal }) =>
    refusal === null ? [] : resultEvents(facts, refusal, { region, now, psp }),
  )
  await addToOutbox(tx, refusals)
  const freshIds = new Set(fresh.map(({ refundId }) => refundId))
  const others = refunds.filter(({ refundId }) => !freshIds.has(refundId))
  await emitCanceled(
    deps,
    tx,
    others.map((refund) => factsOf(refund, 'refund', null)),
  )
  return { fresh: freshIds, areSomeDue: fresh.some(({ refusal }) => refusal === null) }
}

/** Chooses how each refund is carried out. A later refund of a payment sees the earlier ones. */
async function planRefunds(
  { psps }: RecordRefundsDeps,
  tx: Tx,
  refunds: readonly RequestedRefund[],
): Promise<Planned[]> {
  if (refunds.length === 0) return []
  const ids = [...new Set(refunds.map(({ paymentId }) => paymentId))]
  const { payments, now } = await findReversible(tx, ids)
  return refunds.map((refund): Planned => {
    const { refundId, paymentId, amountMinor } = refund
    const asked = payments.get(paymentId)
    // Money goes back where it came from.
    const { name: psp, adapter } = psps.get(asked?.psp ?? '') ?? psps.default
    const context = { now, psp, capabilities: adapter.capabilities }
    const choice = chooseReversal(asked, refund, context)
    if (choice.kind === 'refused') {
      const facts = factsOf(refund, 'refund', null)
      return { refundId, reversal: refusedReversal(facts, choice.reason), refusal: choice }
    }
    const { kind, payment } = choice
    payments.set(paymentId, { ...payment, reversedMinor: payment.reversedMinor + amountMinor })
    const reversal = newReversal(adapter, factsOf(refund, kind, payment), payment.psp)
    return { refundId, reversal, refusal: null }
  })
}

/**
 * Emits that payments or refunds were canceled before their request arrived here, once each. The
 * facts are those of the request, which an operation that is known already may repeat.
 */
export async function emitCanceled(
  { region }: { region: string },
  tx: Tx,
  known: readonly (PaymentFacts | ReversalFacts)[],
): Promise<void> {
  const [first] = known
  if (!first) return
  const table = first.kind === 'pay' ? PAYMENTS : OPERATIONS
  const idOf = (facts: PaymentFacts | ReversalFacts): string =>
    facts.kind === 'pay' ? facts.paymentId : facts.requestId
  const { canceled, now } = await finishCanceled(tx, table, known.map(idOf))
  const events = known
    .filter((facts) => canceled.has(idOf(facts)))
    .flatMap((facts) => resultEvents(facts, { kind: 'canceled' }, { region, now, psp: null }))
  await addToOutbox(tx, events)
}

function factsOf(
  refund: RequestedRefund,
  kind: 'refund' | 'void',
  payment: PaymentAtPsp | null,
): ReversalFacts {
  const { refundId, ...common } = refund
  return {
    ...common,
    kind,
    operationId: kind === 'void' ? voidIdOf(refundId) : refundId,
    requestId: refundId,
    sequence: 1,
    destinationBank: payment?.destinationBank ?? '',
    gatewayTransactionId: payment?.gatewayTransactionId ?? null,
  }
}
