import { Problem } from '@caudal/http/problem.ts'
import { dayOf } from '../ledger/domain/booking-time.ts'
import type { AsOf, StatementRange } from './history.ts'

/** Which of a transfer's two dates counts (E4). */
export type By = AsOf['by']

// The schema `TimeOrDay` lets only days and times of the calendar through: a time has a T in it.
const TIME_OF_DAY = /T[\d:]+(?:\.(\d+))?/i
const FIRST_DAY = '1970-01-01'
const LAST_DAY = '9998-12-31'
const MS_DIGITS = 3
const SECONDS_LENGTH = '2026-01-31T12:00:00'.length

/**
 * The moment that `as_of` names: by booking a time, and all that was booked until then counts; by
 * value a day, to its end. A time is its day in UTC there. `shown` is how answers say it: a day, or
 * the time as it was sent, in UTC.
 *
 * @throws {Problem} MALFORMED_REQUEST
 */
export function readAsOf(text: string, by: By): { asOf: AsOf; shown: string } {
  if (by === 'value') {
    const day = readDay('as_of', text)
    return { asOf: { by, day }, shown: day }
  }
  const { lastMs, fraction } = readTime('as_of', text)
  return { asOf: { by, before: afterMs(lastMs) }, shown: inUtc(lastMs, fraction) }
}

/**
 * What a statement is to cover: by booking from one time to just before another, by value from one
 * day to another, both included.
 *
 * @throws {Problem} MALFORMED_REQUEST
 */
export function readRange(
  by: By,
  { from, to }: { from?: string | undefined; to?: string | undefined },
): StatementRange {
  if (by === 'value') {
    const days = {
      from: from === undefined ? null : readDay('from', from),
      to: to === undefined ? null : readDay('to', to),
    }
    if (days.from !== null && days.to !== null && days.to < days.from) throw backwards()
    return { by, ...days }
  }
  const times = {
    from: from === undefined ? null : firstMs(readTime('from', from)),
    to: to === undefined ? null : firstMs(readTime('to', to)),
  }
  if (times.from !== null && times.to !== null && times.to < times.from) throw backwards()
  return { by, ...times }
}

/** Bookings are in whole milliseconds: of a finer time, the last one before it or at it. */
interface ReadTime {
  lastMs: number
  /** The digits of the second's fraction as they were sent; none if there were none. */
  fraction: string
}

/** The first booking time that is not before the time. */
function firstMs({ lastMs, fraction }: ReadTime): Date {
  const exact = /^0*$/.test(fraction.slice(MS_DIGITS))
  return new Date(exact ? lastMs : lastMs + 1)
}

function inUtc(ms: number, fraction: string): string {
  const seconds = new Date(ms).toISOString().slice(0, SECONDS_LENGTH)
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`
}

function afterMs(lastMs: number): Date {
  return new Date(lastMs + 1)
}

function readTime(param: string, text: string): ReadTime {
  const time = TIME_OF_DAY.exec(text)
  if (time === null) {
    throw malformed(
      param,
      'is not a time of RFC 3339 such as 2026-01-31T12:00:00Z (in an address "+" is %2B)',
    )
  }
  const [, fraction = ''] = time
  return { lastMs: Date.parse(text.toUpperCase()), fraction }
}

function readDay(param: string, text: string): string {
  // In UTC a time of the first or the last day can be of a day beyond them.
  const day = TIME_OF_DAY.test(text) ? dayOf(new Date(readTime(param, text).lastMs)) : text
  if (day >= FIRST_DAY && day <= LAST_DAY) return day
  throw malformed(
    param,
    `is not a date of RFC 3339 from ${FIRST_DAY} to ${LAST_DAY}, such as 2026-01-31`,
  )
}

function backwards(): Problem {
  return malformed('to', 'is before from')
}

function malformed(param: string, reason: string): Problem {
  return new Problem('MALFORMED_REQUEST', `query: ${param} ${reason}`, { members: { param } })
}
