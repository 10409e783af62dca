import { setImmediate } from 'node:timers/promises'
import type { LogRecord } from '@caudal/event-log/event-log.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import { addToOutbox, type OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { LastStatements } from '@caudal/postgres/transaction.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Answer } from '../commands/answer.ts'
import { announce } from '../payments/payment-events.ts'
import type { LedgerEvent } from '../payments/read-event.ts'
import { answersTo, keyedAnswers } from './answer-batch.ts'
import type { AtomicBatch, Command, Request } from './domain/command.ts'
import { type BatchDecision, decideBatch } from './domain/decide-batch.ts'
import { momentOf } from './domain/moment.ts'
import { type RequestOutcome, tookEffect } from './domain/outcome.ts'
import { openedEvent } from './ledger-events.ts'
import { type LoadedLedger, loadLedger } from './load-ledger.ts'
import { saveAccountChanges } from './store/save-account-changes.ts'
import { saveDecision, type Saving } from './store/save-decision.ts'
import { saveHoldExpiries } from './store/save-hold-expiries.ts'

/** Transfers from which on events are composed beside the database's work. */
const OVERLAP_FROM = 100

/** A command and where it comes from: an event of the log, a client, or a hold's end. */
export type CommandWork = { command: Command; traceparent: string | undefined } & (
  | { event: LedgerEvent; record: LogRecord }
  | { event: null; record: null }
)

/** What a batch is made of: commands, and some of a client's that take effect together. */
export type Work =
  | CommandWork
  | { command: AtomicBatch; traceparent: string | undefined; event: null; record: null }

/** What became of each piece of work, in its order. */
export interface BatchResult {
  outcomes: RequestOutcome[]
  /** The answer for a client; null where the command came from an event. */
  answers: (Answer | null)[]
}

export interface BatchSettings {
  region: string
  /** Takes what is sent last and not awaited, for the COMMIT to travel behind it. */
  last?: LastStatements
  /** Clients' keys are taken to be new; the unique keys refuse the batch where one is not. */
  keysAreNew?: boolean
}

/**
 * The spine of the ledger: locks and loads what the batch names, decides it in pure code, writes
 * everything in one statement. Consumed events and HTTP commands take the same way (F1).
 *
 * @throws {ParkError} for events that cannot be applied; nothing has been written then (rule 11)
 */
export async function processBatch(
  tx: Tx,
  work: readonly Work[],
  settings: BatchSettings,
): Promise<BatchResult> {
  const requests = work.map((it) => it.command)
  const { decision, now, opened } = await decideLocked(tx, requests, settings)
  const { outcomes } = decision
  refuseInapplicable(work, outcomes)
  const answers = answersTo(work, outcomes)
  const keyed = keyedAnswers(requests, outcomes, answers)
  if (changesAnything(decision) || keyed.length > 0 || opened.length > 0) {
    const { region } = settings
    const timestamp = now.toISOString()
    const composeEvents = (): OutboxEvent[] => [
      ...opened.map((it) => openedEvent(it, { region, traceparent: undefined })),
      ...work.flatMap(({ event, traceparent }, index) =>
        announce(outcomes[index]!, event, { region, timestamp, traceparent }),
      ),
    ]
    const saved = await save(tx, { ...decision, now, answers: keyed }, composeEvents)
    if (settings.last === undefined) await Promise.all(saved)
    else settings.last.push(...saved)
  }
  return { outcomes, answers }
}

/**
 * A key and a reference that were used before are seen when they are looked up, or when they are
 * inserted again, which a command that takes effect always does. So a batch whose keys are taken to
 * be new stands if everything in it took effect; else it is decided again, with a look at them.
 */
async function decideLocked(
  tx: Tx,
  requests: readonly Request[],
  { keysAreNew = false }: BatchSettings,
): Promise<Omit<LoadedLedger, 'state'> & { decision: BatchDecision }> {
  const loaded = await loadLedger(tx, requests, { keys: !keysAreNew })
  const decision = decideBatch(loaded.state, requests, momentOf(loaded.now))
  if (!keysAreNew || decision.outcomes.every(tookEffect)) return { ...loaded, decision }
  const { state, now, opened } = await loadLedger(tx, requests, { keys: true })
  return {
    now,
    opened: [...loaded.opened, ...opened],
    decision: decideBatch(state, requests, momentOf(now)),
  }
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
  // Composed before anything is sent: what fails here leaves no statement that nobody awaits.
  const events = isSmall ? composeEvents() : []
  const saving = [
    saveAccountChanges(tx, books),
    saveHoldExpiries(tx, books.newHolds),
    saveDecision(tx, { ...books, events }),
  ]
  if (isSmall) return saving
  for (const one of saving) one.catch(() => {}) // reported by whoever awaits it, if need be later
  await setImmediate() // the statement leaves before this thread is busy again
  return [...saving, addToOutbox(tx, composeEvents())]
}

function refuseInapplicable(work: readonly Work[], outcomes: readonly RequestOutcome[]): void {
  const parked: Parked[] = []
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.type !== 'inapplicable') continue
    const { record, event } = work[index]!
    if (record === null) throw new Error(`a client's command cannot be applied: ${outcome.cause}`)
    const kind = outcome.kind === 'waiting' ? 'waiting' : 'unprocessable'
    const cause = `${event.event_type} of payment ${event.payment_id}: ${outcome.cause}`
    parked.push({ record, kind, cause })
  }
  if (parked.length > 0) throw new ParkError(parked)
}

function changesAnything(decision: BatchDecision): boolean {
  const { transfers, changes, newHolds, changedHolds } = decision
  return transfers.length + changes.length + newHolds.length + changedHolds.length > 0
}
