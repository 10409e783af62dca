import { setImmediate } from 'node:timers/promises'
import type { LogRecord } from '@caudal/event-log/event-log.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import { addToOutbox, type OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type Command, holdKeyNamedBy } from './domain/command.ts'
import { counterpart, type SystemAccount } from './domain/counterpart.ts'
import { type BatchDecision, decideBatch } from './domain/decide-batch.ts'
import { emptyLedger, type LedgerState } from './domain/ledger-state.ts'
import type { Committed, Outcome, Refused } from './domain/outcome.ts'
import { isKept } from './domain/outcome.ts'
import { type Answer, answerTo } from './http/answer.ts'
import { announce } from './messaging/announce.ts'
import type { LedgerEvent } from './messaging/parse-command.ts'
import { loadKeys } from './store/load-keys.ts'
import { lockLedger } from './store/lock-ledger.ts'
import { openSystemAccounts } from './store/open-system-accounts.ts'
import { type KeyedAnswer, saveDecision, type Saving } from './store/save-decision.ts'

/** Commands from which on events are composed beside the database's work. */
const OVERLAP_FROM = 100

/** A command and where it comes from: an event of the log, or a client's request. */
export type Work = { command: Command; traceparent: string | undefined } & (
  | { event: LedgerEvent; record: LogRecord }
  | { event: null; record: null }
)

/** What became of each piece of work, in its order. */
export interface BatchResult {
  outcomes: Outcome[]
  /** The answer for a client; null where the command came from an event. */
  answers: (Answer | null)[]
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
  settings: { region: string },
): Promise<BatchResult> {
  const commands = work.map((it) => it.command)
  const state = emptyLedger()
  const now = await loadLedger(tx, state, commands)
  const timestamp = now.toISOString()
  const decision = decideBatch(state, commands, timestamp.slice(0, 'YYYY-MM-DD'.length))
  const { outcomes } = decision
  refuseInapplicable(work, outcomes)
  const answers = answersTo(work, outcomes)
  const keyed = keyedAnswers(commands, outcomes, answers)
  if (changesAnything(decision) || keyed.length > 0) {
    const composeEvents = (): OutboxEvent[] =>
      work.flatMap(({ event, traceparent }, index) =>
        announce(outcomes[index]!, event, { region: settings.region, timestamp, traceparent }),
      )
    await save(tx, { ...decision, now, answers: keyed }, composeEvents, work.length)
  }
  return { outcomes, answers }
}

/**
 * One statement writes a small batch. Of a large one the events follow in a second statement: they
 * are composed while the database writes the books, which saves a tenth of the time.
 */
async function save(
  tx: Tx,
  books: Omit<Saving, 'events'>,
  composeEvents: () => OutboxEvent[],
  size: number,
): Promise<void> {
  if (size < OVERLAP_FROM) {
    await saveDecision(tx, { ...books, events: composeEvents() })
    return
  }
  const saving = saveDecision(tx, { ...books, events: [] })
  saving.catch(() => {}) // reported below, also when it fails before the events are ready
  await setImmediate() // the statement leaves before this thread is busy again
  await Promise.all([saving, addToOutbox(tx, composeEvents())])
}

/** Locks in the order of rule 6; system accounts that a batch is the first to need are opened. */
async function loadLedger(tx: Tx, state: LedgerState, commands: readonly Command[]): Promise<Date> {
  const names = { accountIds: new Set<string>(), holdKeys: new Set<string>() }
  for (const command of commands) {
    names.accountIds.add(command.accountId)
    const other = counterpart(command, state)
    if (other !== null) names.accountIds.add(other.accountId)
    const hold = holdKeyNamedBy(command)
    if (hold !== null) names.holdKeys.add(hold)
  }
  const [now] = await Promise.all([lockLedger(tx, state, names), loadKeys(tx, state, commands)])
  const missing = missingSystemAccounts(state, commands)
  if (missing.length === 0) return now
  await openSystemAccounts(tx, missing)
  const accountIds = new Set(missing.map((it) => it.accountId))
  return lockLedger(tx, state, { accountIds, holdKeys: new Set() })
}

function missingSystemAccounts(state: LedgerState, commands: readonly Command[]): SystemAccount[] {
  const missing = new Map<string, SystemAccount>()
  for (const command of commands) {
    const account = counterpart(command, state)
    if (account === null || state.accounts.has(account.accountId)) continue
    // A command that will be refused for its account or currency must not open anything.
    if (state.accounts.get(command.accountId)?.currency !== account.currency) continue
    missing.set(account.accountId, account)
  }
  return [...missing.values()]
}

function refuseInapplicable(work: readonly Work[], outcomes: readonly Outcome[]): void {
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

/** Answers in order; one that repeats another of the batch gets its very bytes (F2). */
function answersTo(work: readonly Work[], outcomes: readonly Outcome[]): (Answer | null)[] {
  const given = new Map<Committed | Refused, Answer>()
  return work.map(({ command, traceparent }, index) => {
    const outcome = outcomes[index]!
    if (command.key.clientId === null) return null
    if (outcome.type === 'repeated') {
      const stored = outcome.answer ?? given.get(outcome.outcome)!
      return { ...stored, replayed: true }
    }
    const answer = answerTo(command, outcome, traceparent)
    if (outcome.type === 'committed' || outcome.type === 'refused') given.set(outcome, answer)
    return answer
  })
}

/** The answers that bind their keys. */
function keyedAnswers(
  commands: readonly Command[],
  outcomes: readonly Outcome[],
  answers: readonly (Answer | null)[],
): KeyedAnswer[] {
  const keyed: KeyedAnswer[] = []
  for (const [index, { tenantId, key }] of commands.entries()) {
    const outcome = outcomes[index]!
    const answer = answers[index]!
    if (answer === null || key.clientId === null) continue
    if (outcome.type !== 'committed' && outcome.type !== 'refused') continue
    if (!isKept(outcome)) continue
    const { clientId, value, fingerprint } = key
    keyed.push({ tenantId, clientId, key: value, fingerprint, answer })
  }
  return keyed
}

function changesAnything({ transfers, newHolds, changedHolds }: BatchDecision): boolean {
  return transfers.length + newHolds.length + changedHolds.length > 0
}
