import assert from 'node:assert/strict'
import { clientOrigin } from '../src/commands/client-origin.ts'
import { type Answer, answersTo } from '../src/ledger/answer-batch.ts'
import type { BookingTime } from '../src/ledger/domain/booking-time.ts'
import type { Request } from '../src/ledger/domain/command.ts'
import { decideBatch } from '../src/ledger/domain/decide-batch.ts'
import { type LedgerState, nameOfKey } from '../src/ledger/domain/ledger-state.ts'
import type { CommandAnswer } from '../src/ledger/domain/outcome.ts'
import type { Transfer } from '../src/ledger/domain/transfer.ts'

/** A request with its answer and their times by one counter, or an action of the ledger itself. */
export interface Call {
  request: Request
  traceparent: string
  /** Null for the expiry of a hold, which has no answer. */
  answer: Answer | null
  invoked: number
  returned: number
}

/**
 * The entries that the tables have of a transfer, as texts in the order of lines; of a change of an
 * account, the account's revision.
 */
export type Booked = ReadonlyMap<string, readonly string[]>

const MOST_CHOICES = 20_000
/** Those of the lanes of both instances. */
const LANE_SLOTS = [0, 1, 2]
const AT: BookingTime = { nowMs: Date.parse('2025-08-24'), today: '2025-08-24' }

/**
 * Looks for one order of the calls in which a single thread gives every answer that was given and
 * books every entry that was booked, and no call stands before one that had returned before it
 * began. Returns the state behind that order; when there is none, where the longest attempt ends.
 */
export function explainHistory(
  state: LedgerState,
  calls: readonly Call[],
  booked: Booked,
): { state: LedgerState } | { stuck: string } {
  let choices = 0
  let stuck = { left: Infinity, why: '' }
  const places = new Map(calls.map((call, place) => [call, place]))
  // Versions and revisions order what happens to an account, so what has been taken decides how the
  // ledger stands, in whatever order: a rest that led nowhere once leads nowhere again.
  const hopeless = new Set<string>()
  const search = (at: LedgerState, rest: Set<Call>): LedgerState | null => {
    takeWithoutEffect(at, rest, booked)
    if (rest.size === 0) return at
    if (rest.size < stuck.left) stuck = { left: rest.size, why: whyStuck(at, rest) }
    const name = [...rest].map((call) => places.get(call)).join()
    if (hopeless.has(name)) return null
    hopeless.add(name)
    for (const call of rest) {
      if (!mayBeNext(call, rest)) continue
      choices += 1
      assert.ok(choices <= MOST_CHOICES, 'the history is too large to be explained')
      const next = attempt(at, call, booked)
      if (next === null) continue
      const end = search(next, new Set([...rest].filter((it) => it !== call)))
      if (end !== null) return end
    }
    return null
  }
  const end = search(structuredClone(state), new Set(calls))
  return end === null ? { stuck: `${stuck.left} calls left; ${stuck.why}` } : { state: end }
}

/** For people: what could have been next, its answer, and the answer in sequence. */
function whyStuck(at: LedgerState, rest: ReadonlySet<Call>): string {
  const next = [...rest].filter((call) => mayBeNext(call, rest))
  return next
    .map(({ request, answer }) => {
      const { outcomes } = decideBatch(structuredClone(at), [request], AT)
      const [model] = outcomes
      const wanted = model?.type === 'repeated' ? 'the same again' : JSON.stringify(model, asText)
      return `${JSON.stringify(request, asText)} was answered ${answer?.body}, expected ${wanted}`
    })
    .join('\n')
}

function asText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value
}

/**
 * Calls without effect that fit now are taken at once: they change nothing for any other, so taking
 * them later is never better. Unless they bind a key that others have too: that is a choice.
 */
function takeWithoutEffect(at: LedgerState, rest: Set<Call>, booked: Booked): void {
  for (let before = -1; before !== rest.size;) {
    before = rest.size
    for (const call of rest) {
      const { answer } = call
      const isIdle = answer !== null && (answer.replayed || answer.status !== 200)
      if (!isIdle || !mayBeNext(call, rest)) continue
      const next = attempt(at, call, booked)
      if (next === null) continue
      if (next.keys.size > at.keys.size && sharesKey(call, rest)) continue
      Object.assign(at, next)
      rest.delete(call)
    }
  }
}

function sharesKey(call: Call, rest: ReadonlySet<Call>): boolean {
  const name = nameOfKey(call.request)
  for (const other of rest) {
    if (other !== call && nameOfKey(other.request) === name) return true
  }
  return false
}

function mayBeNext(call: Call, rest: ReadonlySet<Call>): boolean {
  for (const other of rest) if (other.returned < call.invoked) return false
  return true
}

/**
 * The state behind the call if a single thread would answer and book the same; else null. Which
 * slot of the system accounts it was booked on was the choice of the lane that took it.
 */
function attempt(at: LedgerState, call: Call, booked: Booked): LedgerState | null {
  for (const slot of LANE_SLOTS) {
    const next = attemptOn(slot, at, call, booked)
    if (next !== null) return next
  }
  return null
}

function attemptOn(slot: number, at: LedgerState, call: Call, booked: Booked): LedgerState | null {
  const { request, traceparent, answer } = call
  const state = structuredClone(at)
  const { outcomes, transfers, changes } = decideBatch(state, [request], AT, { slots: [slot] })
  const origin = request.key.clientId === null ? { traceparent } : clientOrigin(traceparent)
  const [expected] = answersTo([{ command: request, origin }], outcomes)
  if (answer === null) {
    if (outcomes[0]?.type !== 'posted') return null
  } else if (textOf(expected!) !== textOf(answer) || expected!.replayed !== answer.replayed) {
    return null
  }
  if (!transfers.every((it) => isBooked(it, booked))) return null
  for (const { changeId, accountId, revision } of changes) {
    if (booked.get(changeId)?.join() !== `${accountId} ${revision}`) return null
  }
  storeAnswer(state, request, expected ?? null)
  return state
}

/** The tables keep the answer of a key, where a batch that is under way knows its outcome. */
function storeAnswer(state: LedgerState, request: Request, answer: Answer | null): void {
  const name = nameOfKey(request)
  const known = name === null ? undefined : state.keys.get(name)
  if (known === undefined || known.outcome === null || answer === null) return
  const { status, body } = answer
  state.keys.set(name!, { ...known, answer: { status, body }, outcome: null })
}

function isBooked(transfer: Transfer, booked: Booked): boolean {
  const found = booked.get(transfer.transferId) ?? []
  const decided = transfer.entries.map((it) =>
    [it.accountId, it.balance, it.amountMinor, it.balanceAfterMinor, it.accountVersion].join(' '),
  )
  return decided.join() === found.join()
}

/** When a hold ends is the database's time, which the model does not know. */
function textOf({ status, body }: CommandAnswer): string {
  return `${status} ${body.replaceAll(/"expires_at":"[^"]*"/g, '"expires_at":"then"')}`
}
