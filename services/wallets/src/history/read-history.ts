import { snapshot } from '@caudal/postgres/transaction.ts'
import type { Db, Reader } from '@caudal/postgres/types.ts'
import { dayOf } from '../ledger/domain/booking-time.ts'
import type { EntryPosition } from '../ledger/domain/transfer.ts'
import type {
  AccountDetails,
  AccountHistory,
  AsOf,
  Balances,
  Detached,
  KeptHistory,
  Statement,
  StatementEntry,
  StatementLine,
  StatementPosition,
  StatementRange,
  TrialBalanceRow,
} from './history.ts'
import { awaitOlderBookings } from './store/await-older-bookings.ts'
import { findBalancesAt } from './store/find-balances-at.ts'
import { findBalancesBehind } from './store/find-balances-behind.ts'
import { findAccountHistory, findKeptHistory } from './store/find-kept-history.ts'
import { findVersionAt } from './store/find-version-at.ts'
import { listBooked, listOfAnotherDay, listOfTheirDay } from './store/list-statement.ts'
import { readTrialBalance } from './store/read-trial-balance.ts'
import { sumOtherDays } from './store/sum-other-days.ts'

const DAY_MS = 24 * 60 * 60 * 1000
// Of value dates.
const FIRST_DAY = '1970-01-01'
const LAST_DAY = '9999-12-31'
/** Prevents the detachment of a month during a read, which would lose its balances. */
const BOOKS = ['transfers', 'entries']
/** It adds up every account, and for a time in the past all that was booked since. */
const TRIAL_SECONDS = 60
const EVER = new Date(Date.UTC(9999, 11, 31))

/**
 * The balances of an account at a moment (E4), if the history reaches it. Like the others it asks
 * several times and sees one state of the books: what is booked meanwhile is not half in it, and
 * what was booked until then is, though its transaction may have been under way.
 */
export async function readBalances(
  db: Db,
  account: AccountDetails,
  asOf: AsOf,
): Promise<(Balances & { type: 'balances'; version: number }) | Detached> {
  await awaitOlderBookings(db, behind(asOf))
  const read = async (tx: Reader): Promise<Awaited<ReturnType<typeof readBalances>>> => {
    const kept = await findKeptHistory(tx)
    if (kept !== null && isBefore(asOf, kept)) return { type: 'detached', kept }
    return { type: 'balances', ...(await balancesAt(tx, account, asOf)) }
  }
  return snapshot(db, read, { keeps: BOOKS })
}

/** The trial balance of a tenant at a moment, or now (null), if the history reaches it (E4). */
export async function readTrial(
  db: Db,
  query: { tenantId: string; currency: string | null; asOf: AsOf | null },
): Promise<TrialBalanceRow[] | Detached> {
  if (query.asOf !== null) await awaitOlderBookings(db, behind(query.asOf))
  const read = async (tx: Reader): Promise<TrialBalanceRow[] | Detached> => {
    const kept = await findKeptHistory(tx)
    if (query.asOf !== null && kept !== null && isBefore(query.asOf, kept)) {
      return { type: 'detached', kept }
    }
    return readTrialBalance(tx, query)
  }
  return snapshot(db, read, { seconds: TRIAL_SECONDS, keeps: BOOKS })
}

/** Whether a moment is before the available history. */
function isBefore(asOf: AsOf, kept: KeptHistory): boolean {
  return asOf.by === 'booking' ? asOf.before < kept.from : asOf.day < kept.valueDay
}

async function balancesAt(
  db: Reader,
  account: AccountDetails,
  asOf: AsOf,
): Promise<Balances & { version: number }> {
  const { accountId } = account
  const before = behind(asOf)
  const version = await findVersionAt(db, accountId, before)
  const booked = await findBalancesAt(db, accountId, { version })
  if (asOf.by === 'booking') return { ...booked, version }
  const others = await sumOtherDays(db, accountId, { day: asOf.day, version })
  return {
    availableMinor: booked.availableMinor + others.availableMinor,
    heldMinor: booked.heldMinor + others.heldMinor,
    version,
  }
}

/**
 * A page of an account's statement (E4), from the beginning of the range or from the position that
 * the page before ended with. Balances before and after are those in the order of the statement.
 * All pages are of the state of the books that the first one saw: a later booking is in none of
 * them.
 */
export async function readStatement(
  db: Db,
  account: AccountDetails,
  query: { range: StatementRange; after: StatementPosition | null; limit: number },
): Promise<Statement | Detached> {
  for (const end of endsOf(query.range)) await awaitOlderBookings(db, end)
  const read = async (tx: Reader): Promise<Statement | Detached> => {
    const { range, after, limit } = query
    const kept = await findAccountHistory(tx, account.accountId)
    if (kept !== null && isBeyond({ range, after }, kept)) {
      return { type: 'detached', kept: { from: kept.from, valueDay: kept.valueDay } }
    }
    const start =
      after === null
        ? await startOf(tx, account, range, kept)
        : { ...after, ...(await findBalancesBehind(tx, account.accountId, after)) }
    return range.by === 'booking'
      ? pageByBooking(tx, account, { start, to: range.to, limit })
      : pageByValue(tx, account, { start, to: range.to, limit })
  }
  return snapshot(db, read, { keeps: BOOKS })
}

/** The instants before and behind which different things are in a statement. */
function endsOf({ by, from, to }: StatementRange): Date[] {
  if (by === 'booking') return [from, to].filter((it) => it !== null)
  const days = [from === null ? null : dayBefore(from), to]
  return days.filter((it) => it !== null).map(endOf)
}

/** Whether the range, or what is left of it, begins before the available history. */
function isBeyond(
  { range, after }: { range: StatementRange; after: StatementPosition | null },
  kept: AccountHistory,
): boolean {
  if (after !== null) {
    const isDayLost = after.otherDay !== null && after.otherDay.valueDate <= kept.valueDay
    return isDayLost || after.version < kept.version
  }
  const { by, from, to } = range
  if (by === 'booking') return (from ?? to ?? kept.from) < kept.from
  return from === null ? to !== null && to < kept.valueDay : from <= kept.valueDay
}

async function startOf(
  db: Reader,
  account: AccountDetails,
  range: StatementRange,
  kept: KeptHistory | null,
): Promise<Start> {
  const lastVersion = await findVersionAt(db, account.accountId, EVER)
  if (range.by === 'booking') {
    const before = range.from ?? kept?.from ?? new Date(0)
    const balances = await balancesAt(db, account, { by: 'booking', before })
    return { ...balances, version: balances.version + 1, line: -1, otherDay: null, lastVersion }
  }
  const from = range.from ?? (kept === null ? FIRST_DAY : dayAfter(kept.valueDay))
  // Before the first day there is nothing, whatever value dates there are.
  const opening =
    from === FIRST_DAY
      ? { availableMinor: 0n, heldMinor: 0n, version: 0 }
      : await balancesAt(db, account, { by: 'value', day: dayBefore(from) })
  const otherDay = { valueDate: from, version: 0, line: -1 }
  return { ...opening, version: opening.version + 1, line: -1, otherDay, lastVersion }
}

/** A place in a statement and the balances there. */
type Start = StatementPosition & Balances

interface Stretch<To> {
  start: Start
  to: To | null
  limit: number
}

async function pageByBooking(
  db: Reader,
  { accountId }: AccountDetails,
  { start, to, limit }: Stretch<Date>,
): Promise<Statement> {
  const toVersion = await lastVersionOf(db, accountId, start, to)
  const entries = await listBooked(db, { accountId, after: start, toVersion, limit: limit + 1 })
  return pageFrom(start, entries, limit)
}

/**
 * Two lists, each in the order of value date and version, are joined into one. Where an account has
 * long stretches of entries of another day, the list of the others is looked for among them: not
 * beyond what the page can need, and never twice in the same stretch.
 */
async function pageByValue(
  db: Reader,
  { accountId }: AccountDetails,
  { start, to, limit }: Stretch<string>,
): Promise<Statement> {
  const more = limit + 1
  const after = start.otherDay!
  const toDay = to ?? LAST_DAY
  const wanted = { accountId, after, toDay, toVersion: start.lastVersion, limit: more }
  const ofAnotherDay = await listOfAnotherDay(db, wanted)
  const last = ofAnotherDay[limit]
  const toVersion =
    last === undefined
      ? await lastVersionOf(db, accountId, start, to === null ? null : endOf(to))
      : Math.min(start.lastVersion, await findVersionBefore(db, accountId, last))
  const ofTheirDay = await listOfTheirDay(db, { accountId, after: start, toVersion, limit: more })
  const entries = [...ofTheirDay, ...ofAnotherDay].toSorted(inOrderOfValue)
  const page = pageFrom(start, entries, limit)
  if (page.next === null) return page
  const shown = page.lines.filter((line) => !isOfAnotherDay(line))
  const left = ofTheirDay[shown.length]
  if (left !== undefined) return { ...page, next: { ...page.next, ...justBefore(left) } }
  if (start.version > toVersion) return page
  return { ...page, next: { ...page.next, version: toVersion + 1, line: -1 } }
}

/** The last version that a statement has up to a time. */
async function lastVersionOf(
  db: Reader,
  accountId: string,
  { lastVersion }: StatementPosition,
  to: Date | null,
): Promise<number> {
  if (to === null) return lastVersion
  return Math.min(lastVersion, await findVersionAt(db, accountId, to))
}

/** The last version whose entries, if of the day of their booking, come before this one. */
async function findVersionBefore(
  db: Reader,
  accountId: string,
  { version, valueDate }: StatementEntry,
): Promise<number> {
  const [before, until] = await Promise.all([
    findVersionAt(db, accountId, endOf(dayBefore(valueDate))),
    findVersionAt(db, accountId, endOf(valueDate)),
  ])
  return Math.min(Math.max(version, before), until)
}

function isOfAnotherDay({ valueDate, bookedAt }: StatementEntry): boolean {
  return valueDate !== dayOf(bookedAt)
}

function justBefore({ version, line }: StatementEntry): EntryPosition {
  return { version, line: line - 1 }
}

function inOrderOfValue(a: StatementEntry, b: StatementEntry): number {
  if (a.valueDate !== b.valueDate) return a.valueDate < b.valueDate ? -1 : 1
  return a.version - b.version || a.line - b.line
}

function pageFrom(start: Start, entries: readonly StatementEntry[], limit: number): Statement {
  const place = { ...start }
  const lines: StatementLine[] = []
  for (const entry of entries.slice(0, limit)) {
    const member = entry.balance === 'available' ? 'availableMinor' : 'heldMinor'
    const beforeMinor = place[member]
    place[member] += entry.amountMinor
    lines.push({ ...entry, beforeMinor, afterMinor: place[member] })
    const { version, line, valueDate } = entry
    if (place.otherDay !== null && isOfAnotherDay(entry)) {
      place.otherDay = { valueDate, version, line }
    } else Object.assign(place, { version, line })
  }
  const { availableMinor, heldMinor, ...position } = place
  return {
    type: 'statement',
    opening: { availableMinor: start.availableMinor, heldMinor: start.heldMinor },
    lines,
    closing: { availableMinor, heldMinor },
    next: entries.length > limit ? position : null,
  }
}

/** The first instant that is not part of what was booked until then. */
function behind(asOf: AsOf): Date {
  return asOf.by === 'booking' ? asOf.before : endOf(asOf.day)
}

/** The first instant behind a day, in UTC. */
function endOf(day: string): Date {
  return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS)
}

function dayBefore(day: string): string {
  return dayOf(new Date(Date.parse(`${day}T00:00:00Z`) - DAY_MS))
}

function dayAfter(day: string): string {
  return dayOf(endOf(day))
}
