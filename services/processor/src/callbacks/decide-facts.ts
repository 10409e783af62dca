import { factIdOf, foundRefundIdOf } from '@caudal/contracts/ids.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { lateRefundIdOf } from '../calls/late-refund-id.ts'
import { isUnasked, isUnnamed } from '../domain/callback-fact.ts'
import { followUpOf } from '../domain/choose-reversal.ts'
import { type CallbackDecision, decideCallback } from '../domain/decide-callback.ts'
import { contradict, hasSucceeded } from '../domain/decide-late.ts'
import {
  CHARGES_DETAIL,
  decideFound,
  decideUnasked,
  hasTooHighCharges,
  readUnasked,
} from '../domain/decide-unasked.ts'
import type { Emission, MoneyReturned, PspDecision } from '../domain/decision.ts'
import type { OperationFacts, ReversalFacts } from '../domain/operation-facts.ts'
import { isOver, itsIdOf, newOperation, type PspOperation } from '../domain/psp-operation.ts'
import { contradictionEvent, unmatchedEvent } from '../messaging/psp-fact-event.ts'
import { envelopeOf, resultEvents } from '../messaging/result-event.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { FactOutcome, FactPlan, MatchedFact } from './fact-plan.ts'

export type DecideFactsDeps = { region: string; jitter: () => number }
type Decided = Pick<FactOutcome, 'state' | 'cause'>

/** A fact about nothing that is known is tried this often before it is finished as such. */
const MOST_TRIES = 5
/** About a day: as long as a repeated request may still learn the PSP's id of its payment. */
const MOST_TRIES_OF_KNOWABLE = 1_500
/** Some minutes, in which a PSP that cannot answer may recover. */
const MOST_ASKS = 12
const REPEATED_DETAIL = 'The PSP named a transaction that belongs to another operation.'
const REVERSED_DETAIL = 'The PSP took back a refund of the payment that it had not reported before.'
const UNKNOWN_DETAIL = 'The PSP reported money of an operation that is not known here.'

/**
 * Folds facts over the operations, so that a later fact sees the earlier ones. `repeated` are facts
 * whose transaction id belongs to another operation.
 */
export function decideFacts(
  deps: DecideFactsDeps,
  facts: readonly MatchedFact[],
  now: number,
  repeated: ReadonlySet<MatchedFact>,
): FactPlan {
  const plan: FactPlan = {
    states: new Map(),
    followUps: [],
    found: [],
    emitted: [],
    asks: [],
    events: [],
    outcomes: [],
  }
  for (const fact of facts) {
    const { operation, payment } = fact
    const context = { ...deps, now, plan }
    if (operation !== null) {
      plan.outcomes.push({ fact, ...decideOwn(context, fact, operation, repeated.has(fact)) })
    } else if (payment !== null) decideOfPayment(context, fact, payment)
    else plan.outcomes.push({ fact, ...decideUnmatched(context, fact) })
  }
  return plan
}

type Context = DecideFactsDeps & { now: number; plan: FactPlan }

const stateOf = ({ plan }: Context, { facts, state }: StoredOperation): PspOperation =>
  plan.states.get(facts.operationId) ?? state

/**
 * Keeps a decision about an operation, with its events. A state that stays is not written again:
 * most callbacks repeat an answer.
 */
function keep(
  context: Context,
  { reporting }: MatchedFact,
  of: StoredOperation,
  decision: { operation: PspOperation; emissions: readonly Emission[] },
): void {
  const { region, now, plan } = context
  const { operation, emissions } = decision
  const { adapter, name } = reporting
  const { facts } = of
  if (operation !== stateOf(context, of)) plan.states.set(facts.operationId, operation)
  for (const emission of emissions) {
    const followUp = followUpOf(facts, emission)
    if (followUp !== null) {
      plan.followUps.push({ adapter, facts: followUp, psp: operation.psp })
      continue
    }
    const refundId = lateRefundIdOf(adapter, facts, operation)
    const envelope = { region, now, psp: operation.psp ?? name, refundId }
    plan.emitted.push({ facts, emission, events: resultEvents(facts, emission, envelope) })
  }
}

function keepOne(context: Context, fact: MatchedFact, of: StoredOperation, one: PspDecision): void {
  const { operation, emission } = one
  keep(context, fact, of, { operation, emissions: emission === null ? [] : [emission] })
}

/** A fact about an operation of ours. */
function decideOwn(
  context: Context,
  matched: MatchedFact,
  operation: StoredOperation,
  isRepeated: boolean,
): Decided {
  const { fact, reporting } = matched
  const state = stateOf(context, operation)
  if (isRepeated && !hasSucceeded(state)) {
    keepOne(context, matched, operation, contradict(state, 'operation_unknown', REPEATED_DETAIL))
    return { state: 'CONTRADICTION', cause: 'repeated_transaction_id' }
  }
  const { adapter, policy, name: psp } = reporting
  const { capabilities } = adapter
  const { kind } = operation.facts
  const declineCode = adapter.declineCode(kind, fact.reasonCode ?? undefined)
  const { now, jitter } = context
  const decided = decideCallback(state, operation.facts, fact, {
    now,
    jitter: jitter(),
    policy,
    capabilities,
    psp,
    declineCode,
    isAskedInVain: matched.match.isDisproved || matched.tries >= MOST_ASKS,
  })
  if (decided.query !== null) {
    keep(context, matched, operation, decided)
    const itsId = fact.itsId ?? itsIdOf(state)
    const asked = { facts: operation.facts, query: decided.query, itsId }
    context.plan.asks.push({ reporting, asked })
    return { state: 'WAIT', cause: 'outcome_asked' }
  }
  if (isOpenHint(matched, decided)) {
    // Asked about once; what was claimed is compared with the outcome when that is known.
    if (matched.tries === 0) keep(context, matched, operation, decided)
    return { state: 'WAIT', cause: 'outcome_asked' }
  }
  keep(context, matched, operation, decided)
  return { state: decided.result, cause: decided.cause }
}

function isOpenHint({ fact, reporting }: MatchedFact, decided: CallbackDecision): boolean {
  const isClaim =
    fact.state === 'approved' && reporting.adapter.capabilities.callbackTrust === 'hint'
  if (!isClaim && fact.state !== 'failed') return false
  return !isOver(decided.operation) && decided.result === 'APPLIED'
}

/** Money of a payment that went back without an operation of ours. */
function decideOfPayment(context: Context, matched: MatchedFact, payment: StoredOperation): void {
  const { plan } = context
  const { fact } = matched
  if (isUnasked(fact)) {
    plan.outcomes.push({ fact: matched, ...decideReported(context, matched, payment) })
    return
  }
  if (fact.state !== 'approved') {
    const state = fact.state === 'reversed' && isEarly(matched) ? 'WAIT' : 'PARKED'
    plan.outcomes.push({ fact: matched, state, cause: 'operation_unknown' })
    if (fact.state !== 'reversed' || state === 'WAIT') return
    const before = stateOf(context, payment)
    keepOne(context, matched, payment, contradict(before, 'operation_unknown', REVERSED_DETAIL))
    return
  }
  decideFoundRefund(context, matched, payment)
}

/** A reversal may overtake the approval before it, which waits for the refunds under way. */
function isEarly({ match, tries }: MatchedFact): boolean {
  return match.mayBeUnderWay || match.mayBecomeKnown || tries < MOST_TRIES
}

function decideReported(context: Context, matched: MatchedFact, payment: StoredOperation): Decided {
  const before = stateOf(context, payment)
  const reported = decideUnasked(before, payment.facts, matched.fact, context)
  if (reported.kind === 'unreadable') return { state: 'PARKED', cause: reported.cause }
  const { decision } = reported
  const again =
    decision.emission?.kind === 'returned' ? decideAgain(context, matched, decision.emission) : null
  // A report that is the first to name the payment is emitted, whatever was applied before.
  if (again?.state !== 'NO_CHANGE' || matched.known?.paymentId === null) {
    keepOne(context, matched, payment, decision)
  }
  return again ?? appliedBy(decision)
}

/**
 * What becomes of another report of a return that was applied: nothing, or a contradiction if it
 * states another amount. Null for the first report.
 */
function decideAgain(
  { plan }: Context,
  { known, psp, account, fact }: MatchedFact,
  { amountMinor, currency }: MoneyReturned,
): Decided | null {
  const inBatch = plan.outcomes.find(
    ({ state, fact: one }) =>
      state === 'APPLIED' &&
      one.fact.kind === 'return' &&
      one.fact.itsId === fact.itsId &&
      one.psp === psp &&
      one.account === account,
  )
  const earlier = known ?? inBatch?.fact.fact
  if (earlier === undefined) return null
  if (earlier.currency !== currency) return { state: 'CONTRADICTION', cause: 'currency_mismatch' }
  return earlier.amountMinor === amountMinor
    ? { state: 'NO_CHANGE', cause: null }
    : { state: 'CONTRADICTION', cause: 'amount_mismatch' }
}

function appliedBy({ emission }: PspDecision): Decided {
  if (emission?.kind !== 'contradicted') return { state: 'APPLIED', cause: null }
  return { state: 'CONTRADICTION', cause: emission.contradiction }
}

function decideFoundRefund(context: Context, matched: MatchedFact, payment: StoredOperation): void {
  const { plan, now } = context
  const { fact, match, reporting } = matched
  const before = stateOf(context, payment)
  const finish = (decided: Decided): number => plan.outcomes.push({ fact: matched, ...decided })
  const found = decideFound(before, payment.facts, fact, context)
  switch (found.kind) {
    case 'unreadable':
      finish({ state: 'PARKED', cause: found.cause })
      return
    case 'contradicted':
    case 'wait':
      keepOne(context, matched, payment, found.decision)
      finish(found.kind === 'wait' ? WAIT_FOR_PAYMENT : appliedBy(found.decision))
      return
    case 'found': {
      // A refund of ours whose id the callback does not name may be the one.
      if (match.mayBeUnderWay) {
        finish({ state: 'WAIT', cause: 'refund_under_way' })
        return
      }
      const { amountMinor, transactionId, emission } = found
      const lastResponse = emission.response
      const made = { psp: reporting.name, amountMinor, transactionId, now }
      const facts = foundFacts(payment, made, match.canceledId)
      const over = { status: 'COMPLETED', step: null, dueAt: null, psp: reporting.name } as const
      const outcome: FactOutcome = { fact: matched, state: 'APPLIED', cause: null }
      plan.outcomes.push(outcome)
      plan.found.push({
        outcome,
        emission,
        refund: {
          facts,
          requestBody: Buffer.alloc(0),
          state: { ...newOperation(0), ...over, lastResponse },
        },
        claim: { psp: reporting.name, transactionId, operationId: facts.operationId },
      })
      return
    }
    default:
      found satisfies never
  }
}

const WAIT_FOR_PAYMENT: Decided = { state: 'WAIT', cause: 'payment_under_way' }

function foundFacts(
  { facts: payment, state }: StoredOperation,
  found: { psp: string; amountMinor: bigint; transactionId: string; now: number },
  canceledId: string | null,
): ReversalFacts {
  const { psp, amountMinor, transactionId, now } = found
  const id = foundRefundIdOf(psp, transactionId)
  const { tenantId, accountId, userId, currency, destinationBank, traceparent } = payment
  return {
    kind: 'refund',
    paymentId: payment.operationId,
    tenantId,
    accountId,
    userId,
    currency,
    destinationBank,
    traceparent,
    operationId: id,
    requestId: canceledId ?? id,
    // The first operation of a canceled refund is the one that was canceled.
    sequence: canceledId === null ? 1 : 2,
    amountMinor,
    gatewayTransactionId: state.lastResponse?.gateway_transaction_id ?? null,
    requestedAt: new Date(now).toISOString(),
  }
}

/** A fact about nothing that is known here. Money is never dropped: it is kept for a person. */
function decideUnmatched(context: Context, matched: MatchedFact): Decided {
  const { region, now, plan } = context
  const { fact, reporting, account, callbackId, tries, match } = matched
  if (fact.state === 'unknown') return { state: 'PARKED', cause: 'unknown' }
  if (matched.isOfOtherTenant) return { state: 'PARKED', cause: 'other_tenant' }
  const mostTries = match.mayBecomeKnown ? MOST_TRIES_OF_KNOWABLE : MOST_TRIES
  if (isUnnamed(fact) && tries < mostTries) return { state: 'WAIT', cause: 'operation_unknown' }
  const psp = reporting.name
  const tenantId = reporting.callbacks.accounts.get(account)?.tenantId
  if (tenantId === undefined) return { state: 'PARKED', cause: 'account_unknown' }
  const envelope = { ...envelopeOf({ tenantId, accountId: callbackId }, { now, region }), psp }
  if (isUnasked(fact)) {
    const reported = readUnasked(fact)
    if ('cause' in reported) return { state: 'PARKED', cause: reported.cause }
    if (hasTooHighCharges(reported)) {
      contradictAlone(context, matched, envelope, ['amount_mismatch', CHARGES_DETAIL])
      return { state: 'CONTRADICTION', cause: 'amount_mismatch' }
    }
    const again = reported.kind === 'returned' ? decideAgain(context, matched, reported) : null
    if (again?.state !== 'NO_CHANGE') {
      plan.events.push({ event: unmatchedEvent(envelope, reported) })
    }
    return again ?? { state: 'APPLIED', cause: 'payment_unknown' }
  }
  if (fact.state === 'failed' || fact.state === 'pending') {
    return { state: 'PARKED', cause: 'operation_unknown' }
  }
  contradictAlone(context, matched, envelope, ['operation_unknown', UNKNOWN_DETAIL])
  return { state: 'PARKED', cause: 'operation_unknown' }
}

/** A case about the fact itself: a callback may have many, each of them a case of its own. */
function contradictAlone(
  { plan }: Context,
  { fact, account, key }: MatchedFact,
  envelope: Parameters<typeof contradictionEvent>[0],
  [contradiction, detail]: [CaseReason, string],
): void {
  const { amountMinor, currency } = fact
  const contradicted = {
    kind: 'contradicted',
    contradiction,
    detail,
    ...(amountMinor !== null && { amountMinor }),
    ...(currency !== null && { currency }),
  } as const
  const subject = { type: 'callback', id: factIdOf(envelope.psp, account, key) } as const
  plan.events.push({ event: contradictionEvent(envelope, contradicted, { subject }) })
}

/** The facts of operations that an approval proves, if its transaction id is free. */
export function claimsOf(
  facts: readonly MatchedFact[],
): Map<MatchedFact, { operation: OperationFacts; psp: string; transactionId: string }> {
  return new Map(
    facts.flatMap((matched) => {
      const { operation, fact, reporting } = matched
      const { itsId: transactionId, state } = fact
      if (operation === null || transactionId === null || hasSucceeded(operation.state)) return []
      const { amountMinor, currency } = operation.facts
      const isOther =
        (fact.amountMinor !== null && fact.amountMinor !== amountMinor) ||
        (fact.currency !== null && fact.currency !== currency)
      const isProof = state === 'approved' || state === 'reversed'
      if (isOther || !isProof || !wasSent(operation.state)) return []
      const isHint = reporting.adapter.capabilities.callbackTrust === 'hint'
      if (isHint && state !== 'reversed') return []
      const psp = operation.state.psp ?? reporting.name
      return [[matched, { operation: operation.facts, psp, transactionId }]]
    }),
  )
}

function wasSent({ attempt, status }: PspOperation): boolean {
  return attempt > 0 || status === 'FAILED'
}
