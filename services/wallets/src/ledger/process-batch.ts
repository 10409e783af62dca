import { setImmediate } from 'node:timers/promises'
import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import { systemActor } from '@caudal/contracts/actor.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import { addToOutbox, type OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { LastStatements } from '@caudal/postgres/transaction.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type Answer, answersTo, keysBoundBy } from './answer-batch.ts'
import { bookingTimeOf } from './domain/booking-time.ts'
import { type BatchDecision, decideBatch } from './domain/decide-batch.ts'
import { type RequestOutcome, tookEffect } from './domain/outcome.ts'
import { outcomeEvents, openedEvent } from './ledger-events.ts'
import { type LoadedLedger, loadLedger } from './load-ledger.ts'
import type { Work } from './origin.ts'
import { saveAccountChanges } from './store/save-account-changes.ts'
import { saveDecision, type Saving } from './store/save-decision.ts'
import { saveHoldExpiries } from './store/save-hold-expiries.ts'
import { savePspPostings } from './store/save-psp-postings.ts'
import { saveSpending } from './store/save-spending.ts'

/** Transfers from which on events are composed beside the database's work. */
const OVERLAP_FROM = 100

/** What became of a unit of work. */
export interface Processed {
  outcome: RequestOutcome
  /** The client's answer; null where no client waits for one. */
  answer: Answer | null
}

export interface ProcessBatchDeps {
  region: string
  /** The slot of system accounts of work whose origin has none of its own. */
  slot: number
  /** Takes what is sent last and not awaited, for the COMMIT to travel behind it. */
  last?: LastStatements
  /**
   * Assumes that idempotency keys and references are new, and does not look them up. If one was
   * used before, the unique index rejects the batch.
   */
  keysAreNew?: boolean
}

/**
 * The spine of the ledger: locks and loads what the batch names, decides it in pure code, writes
 * everything in one statement. Consumed events, HTTP commands and timers take the same way (F1).
 *
 * @throws {ParkError} for events that cannot be applied; nothing has been written then (rule 11)
 */
export const processBatch: ProcessBatch<ProcessBatchDeps, Work, Processed> = async (
  deps,
  tx,
  work,
) => {
  const { decision, now, opened } = await decideLocked(deps, tx, work)
  const { outcomes } = decision
  parkInapplicable(work, outcomes)
  const answers = answersTo(work, outcomes)
  const keys = keysBoundBy(work, outcomes, answers)
  if (changesAnything(decision) || keys.length > 0 || opened.length > 0) {
    const composeEvents = (): OutboxEvent[] => eventsOf(deps, work, { outcomes, opened, now })
    const saved = await save(tx, { ...decision, now, keys }, composeEvents)
    if (deps.last === undefined) await Promise.all(saved)
    else deps.last.push(...saved)
  }
  return { outcomes: outcomes.map((outcome, index) => ({ outcome, answer: answers[index]! })) }
}

/**
 * A key and a reference that were used before are found when they are looked up, or when they are
 * inserted again, which a command that takes effect always does. So a batch whose keys are assumed
 * to be new stands if everything in it took effect; else it is decided again, with a lookup.
 */
async function decideLocked(
  { slot, keysAreNew = false }: ProcessBatchDeps,
  tx: Tx,
  work: readonly Work[],
): Promise<Omit<LoadedLedger, 'state'> & { decision: BatchDecision }> {
  const requests = work.map(({ command }) => command)
  const slots = work.map(({ origin }) => origin.slot ?? slot)
  const loaded = await loadLedger(tx, { requests, slots, keys: !keysAreNew })
  const openedWallets = [...loaded.state.opened] // a decision takes them from the state
  const decision = decideBatch(loaded.state, requests, bookingTimeOf(loaded.now), { slots })
  if (!keysAreNew || decision.outcomes.every(tookEffect)) return { ...loaded, decision }
  const { state, now, opened } = await loadLedger(tx, { requests, slots, keys: true })
  // The second load finds the accounts that the first one opened, and does not open them again.
  for (const [accountId, account] of openedWallets) state.opened.set(accountId, account)
  return {
    now,
    opened: [...loaded.opened, ...opened],
    decision: decideBatch(state, requests, bookingTimeOf(now), { slots }),
  }
}

/** Openings first, then of each unit of work what follows from it and what the ledger emits. */
function eventsOf(
  { region }: ProcessBatchDeps,
  work: readonly Work[],
  done: Pick<BatchDecision, 'outcomes'> & Pick<LoadedLedger, 'opened' | 'now'>,
): OutboxEvent[] {
  const timestamp = done.now.toISOString()
  const system = { region, actor: systemActor('wallets'), traceparent: undefined }
  const events = done.opened.map((account) => openedEvent(account, system))
  for (const [index, { command, origin }] of work.entries()) {
    const outcome = done.outcomes[index]!
    const { traceparent } = origin
    const circumstances = { region, timestamp, actor: command.actor, traceparent }
    if (origin.events !== undefined) events.push(...origin.events(outcome, circumstances))
    events.push(...outcomeEvents(outcome, circumstances))
  }
  return events
}

/**
 * One statement writes a small batch. Of a large one the events follow in a second statement: they
 * are composed while the database writes the books, which saves a tenth of the time. Returns the
 * statements, sent and not awaited.
 */
async function save(
  tx: Tx,
  books: Omit<Saving, 'events'> & BatchDecision,
  composeEvents: () => OutboxEvent[],
): Promise<LastStatements> {
  const isSmall = books.transfers.length < OVERLAP_FROM
  // Composed before anything is sent: what fails here leaves no statement that is never awaited.
  const events = isSmall ? composeEvents() : []
  const saving = [
    saveAccountChanges(tx, books),
    saveHoldExpiries(tx, books.newHolds),
    saveSpending(tx, books.spending),
    savePspPostings(tx, books.transfers, books.now),
    saveDecision(tx, { ...books, events }),
  ]
  if (isSmall) return saving
  for (const one of saving) one.catch(() => {}) // reported where it is awaited, if need be later
  await setImmediate() // the statement leaves before this thread is busy again
  return [...saving, addToOutbox(tx, composeEvents())]
}

function parkInapplicable(work: readonly Work[], outcomes: readonly RequestOutcome[]): void {
  const parked: Parked[] = []
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.type !== 'inapplicable') continue
    const { origin } = work[index]!
    if (origin.park === undefined) throw new Error(`could not apply a command: ${outcome.cause}`)
    parked.push(origin.park(outcome))
  }
  if (parked.length > 0) throw new ParkError(parked)
}

function changesAnything({ outcomes, ...decision }: BatchDecision): boolean {
  const { transfers, changes, newHolds, changedHolds } = decision
  const changed = transfers.length + changes.length + newHolds.length + changedHolds.length
  return changed > 0 || outcomes.some((it) => it.type === 'opened' && it.accounts.length > 0)
}
