import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { newReversal } from '../calls/new-requested.ts'
import type { Emission } from '../domain/decision.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import { newIdsOf } from '../domain/psp-operation.ts'
import { resultEvents } from '../messaging/result-event.ts'
import { type ClaimedFact, claimFacts, type FactKey } from '../store/claim-facts.ts'
import { claimTransactions, type TransactionClaim } from '../store/claim-transactions.ts'
import { findKnownReturns } from '../store/find-known-returns.ts'
import { finishCallbacks, finishFacts } from '../store/finish-facts.ts'
import { lockOperations } from '../store/lock-operations.ts'
import { matchFacts } from '../store/match-facts.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { OPERATIONS, type OperationTable, PAYMENTS } from '../store/operation-tables.ts'
import { recordOperations } from '../store/record-operations.ts'
import { saveDecisions } from '../store/save-decisions.ts'
import { type PspName, wakeFacts } from '../store/wake-facts.ts'
import { type FindPsp, speaksFor } from './callback-psp.ts'
import { claimsOf, decideFacts, type DecideFactsDeps } from './decide-facts.ts'
import type { FactOutcome, FactPlan, MatchedFact } from './fact-plan.ts'

export type ApplyFactsDeps = DecideFactsDeps & { db: Db; findPsp: FindPsp }

/** What a transaction applied, for metrics and for those to be woken. */
export type AppliedFacts = {
  outcomes: readonly FactOutcome[]
  emitted: readonly { facts: OperationFacts; emission: Emission }[]
  areEvents: boolean
  asks: FactPlan['asks']
  /** Operations are due at once. */
  areDue: boolean
  /** When the first fact that waits is due; null if none waits. */
  dueInMs: number | null
}

const WAIT = { baseMs: 250, mostMs: 60_000 }

/**
 * Applies facts of callbacks that are due, with the row locks and the decisions of answers. New
 * states, events and what became of each fact are one transaction, so each is applied once. A
 * second instance takes other facts.
 */
export async function applyFacts(
  deps: ApplyFactsDeps,
  which: { most: number } | FactKey,
): Promise<AppliedFacts> {
  return transaction(
    deps.db,
    async (tx) => {
      const claimed = await claimFacts(tx, which)
      if (claimed.length === 0) return NOTHING
      const { facts, now } = await lockAll(deps, tx, claimed)
      const repeated = await claimIds(tx, facts)
      const plan = decideFacts(deps, facts, now, repeated)
      await save(tx, deps, plan, now)
      // The configuration may have lost a PSP since.
      const gone = claimed.filter(({ psp }) => deps.findPsp(psp) === undefined)
      const shared = await finishFacts(tx, [
        ...plan.outcomes.map((outcome) => finishedOf(outcome)),
        ...gone.map((fact) => ({ ...fact, ...UNKNOWN_PSP })),
      ])
      const woken = await wakeFacts(tx, newNamesOf(plan))
      await finishCallbacks(tx, [...shared, ...woken])
      return { ...appliedOf(plan), ...(woken.length > 0 && { dueInMs: 0 }) }
    },
    'facts',
  )
}

const UNKNOWN_PSP = { state: 'PARKED', cause: 'psp_unknown', paymentId: null } as const
const NOTHING: AppliedFacts = {
  outcomes: [],
  emitted: [],
  areEvents: false,
  asks: [],
  areDue: false,
  dueInMs: null,
}

/** The PSP's ids of operations that the facts were the first to name. */
function newNamesOf({ outcomes, states, found }: FactPlan): PspName[] {
  const ofOperations = outcomes.flatMap(({ fact: { operation, psp } }) => {
    const after = operation && states.get(operation.facts.operationId)
    if (!after) return []
    return newIdsOf(operation.state, after).map((itsId) => ({ psp, itsId }))
  })
  return [
    ...ofOperations,
    ...found.map(({ claim }) => ({ psp: claim.psp, itsId: claim.transactionId })),
  ]
}

/** Matches facts and locks what they are about: payments, then operations, each sorted. */
async function lockAll(
  { findPsp }: ApplyFactsDeps,
  tx: Tx,
  claimed: readonly ClaimedFact[],
): Promise<{ facts: MatchedFact[]; now: number }> {
  const reported = claimed.flatMap((fact) => {
    const reporting = findPsp(fact.psp)
    return reporting === undefined ? [] : [{ ...fact, reporting }]
  })
  const matches = await matchFacts(tx, reported)
  const idsIn = (table: OperationTable): string[] => [
    ...new Set(
      matches.flatMap(({ operation }) => (operation?.table === table ? [operation.id] : [])),
    ),
  ]
  const unasked = matches.flatMap(({ operation, paymentId }) =>
    operation === null && paymentId !== null ? [paymentId] : [],
  )
  const payments = await lock(tx, PAYMENTS, [...new Set([...idsIn(PAYMENTS), ...unasked])])
  const operations = await lock(tx, OPERATIONS, idsIn(OPERATIONS))
  const returns = await findKnownReturns(tx, reported, matches)
  const facts = reported.map((fact, index): MatchedFact => {
    const match = matches[index]!
    const { operation, paymentId } = match
    const rows = operation?.table === PAYMENTS ? payments : operations
    return ofItsTenants({
      ...fact,
      match,
      known: returns.get(fact),
      operation: operation === null ? null : (rows.get(operation.id) ?? null),
      payment: paymentId === null ? null : (payments.get(paymentId) ?? null),
      isOfOtherTenant: false,
    })
  })
  return { facts, now: await timeOf(tx, [...payments.values(), ...operations.values()]) }
}

/** An account states facts about the operations of its tenants only: those of others are hidden. */
function ofItsTenants(matched: MatchedFact): MatchedFact {
  const { operation, payment, match, account, reporting } = matched
  const isForeign = [operation, payment].some(
    (it) => it !== null && !speaksFor(reporting, account, it.facts.tenantId),
  )
  if (!isForeign) return matched
  const none = { operation: null, paymentId: null, canceledId: null }
  const hidden = { ...match, ...none }
  return { ...matched, match: hidden, operation: null, payment: null, isOfOtherTenant: true }
}

async function lock(
  tx: Tx,
  table: OperationTable,
  ids: readonly string[],
): Promise<Map<string, StoredOperation>> {
  return ids.length === 0 ? new Map() : lockOperations(tx, table, ids)
}

/** The database's time behind the locks. */
async function timeOf(tx: Tx, locked: readonly StoredOperation[]): Promise<number> {
  if (locked.length > 0) return Math.max(...locked.map(({ now }) => now))
  const { rows } = await tx.query<{ now: Date }>('SELECT clock_timestamp() AS now')
  return rows[0]!.now.getTime()
}

/** Claims the transaction ids of approvals. Returns the facts whose id belongs to another one. */
async function claimIds(tx: Tx, facts: readonly MatchedFact[]): Promise<ReadonlySet<MatchedFact>> {
  const claims = claimsOf(facts)
  const repeated = new Set<MatchedFact>()
  for (const table of [PAYMENTS, OPERATIONS]) {
    const ofTable = new Map<TransactionClaim, MatchedFact>()
    for (const [fact, { operation, psp, transactionId }] of claims) {
      if ((operation.kind === 'pay') !== (table === PAYMENTS)) continue
      ofTable.set({ psp, transactionId, operationId: operation.operationId }, fact)
    }
    const refused = await claimTransactions(tx, table, [...ofTable.keys()])
    for (const claim of refused) repeated.add(ofTable.get(claim)!)
  }
  return repeated
}

async function save(
  tx: Tx,
  { region }: ApplyFactsDeps,
  plan: FactPlan,
  now: number,
): Promise<void> {
  const ids = (table: OperationTable): Set<string> =>
    new Set(
      plan.outcomes.flatMap(({ fact: { operation, payment } }) =>
        [operation, payment].flatMap((one) =>
          one !== null && (one.facts.kind === 'pay') === (table === PAYMENTS)
            ? [one.facts.operationId]
            : [],
        ),
      ),
    )
  for (const table of [PAYMENTS, OPERATIONS]) {
    const operations = [...ids(table)].flatMap((operationId) => {
      const state = plan.states.get(operationId)
      return state === undefined ? [] : [{ operationId, state }]
    })
    if (operations.length > 0) {
      await saveDecisions(tx, table, { operations, closed: [], events: [] })
    }
  }
  await recordFound(tx, region, plan, now)
  const followUps = plan.followUps.map(({ adapter, facts, psp }) =>
    newReversal(adapter, facts, psp),
  )
  await recordOperations(tx, followUps)
  await addToOutbox(tx, [...plan.emitted.flatMap(({ events }) => events), ...plan.events])
}

/** Records refunds that the PSP made by itself, as operations that are over. */
async function recordFound(tx: Tx, region: string, plan: FactPlan, now: number): Promise<void> {
  const first = new Map<string, (typeof plan.found)[number]>()
  for (const found of plan.found) {
    const { operationId } = found.refund.facts
    if (!first.has(operationId)) first.set(operationId, found)
  }
  const refunds = [...first.values()]
  const { operationIds } = await recordOperations(
    tx,
    refunds.map(({ refund }) => refund),
  )
  const recorded = new Set(refunds.filter(({ claim }) => operationIds.has(claim.operationId)))
  await claimTransactions(
    tx,
    OPERATIONS,
    [...recorded].map(({ claim }) => claim),
  )
  for (const found of plan.found) {
    if (recorded.has(found)) {
      const { facts, state } = found.refund
      const events = resultEvents(facts, found.emission, { region, now, psp: state.psp })
      plan.emitted.push({ facts, emission: found.emission, events })
    } else {
      // Known by now: the fact is compared with it in the next round.
      found.outcome.state = 'WAIT'
      found.outcome.cause = 'refund_known'
    }
  }
}

function finishedOf({ fact, state, cause }: FactOutcome) {
  const { psp, account, key, callbackId, isAlone, match, tries } = fact
  const common = { psp, account, key, callbackId, isAlone, cause, paymentId: match.paymentId }
  return state === 'WAIT'
    ? { ...common, state: 'RECEIVED' as const, dueInMs: waitMsOf(tries) }
    : { ...common, state }
}

/** Grows with every try. */
function waitMsOf(tries: number): number {
  return Math.min(WAIT.mostMs, WAIT.baseMs * 2 ** Math.min(tries, 10))
}

function appliedOf({ outcomes, emitted, events, followUps, states, asks }: FactPlan): AppliedFacts {
  const waits = outcomes.flatMap(({ state, fact }) =>
    state === 'WAIT' ? [waitMsOf(fact.tries)] : [],
  )
  const areDue = followUps.length > 0 || [...states.values()].some(({ step }) => step === 'query')
  return {
    outcomes,
    emitted: emitted.map(({ facts, emission }) => ({ facts, emission })),
    areEvents: emitted.length + events.length > 0,
    asks,
    areDue,
    dueInMs: waits.length > 0 ? Math.min(...waits) : null,
  }
}
