import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import { TimeOrDay, ValueDate } from './time-schemas.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 'YYYY-MM-DD'.length)

/** Every day of the calendar and the days that are not in it, of one year. */
function daysOf(year: number): Map<string, boolean> {
  const days = new Map<string, boolean>()
  for (let month = 0; month <= 13; month += 1) {
    for (let day = 0; day <= 32; day += 1) {
      const text = [`${year}`, `${month}`.padStart(2, '0'), `${day}`.padStart(2, '0')].join('-')
      days.set(text, false)
    }
  }
  for (let ms = Date.UTC(year, 0, 1); ms < Date.UTC(year + 1, 0, 1); ms += DAY_MS) {
    days.set(dayOf(ms), true)
  }
  return days
}

test('a value date is every day of the calendar from 1970 to 2199 and no other text', () => {
  const schema = Compile(ValueDate)
  for (let year = 1960; year <= 2210; year += 1) {
    for (const [day, exists] of daysOf(year)) {
      assert.equal(schema.Check(day), exists && year >= 1970 && year <= 2199, day)
    }
  }
})

test('a moment is every day or time of RFC 3339 from 1970 to 9998', () => {
  const schema = Compile(TimeOrDay)
  for (let year = 1970; year <= 9999; year += 1) {
    const leap = dayOf(Date.UTC(year, 1, 29)).endsWith('02-29')
    assert.equal(schema.Check(`${year}-02-29`), leap && year < 9999, `${year}`)
    assert.equal(schema.Check(`${year}-12-31`), year < 9999, `${year}`)
  }
  const times = ['T00:00:00Z', 't23:59:59.123456789z', 'T12:30:00-23:59', 'T12:30:00.1+00:00']
  for (const time of times) assert.ok(schema.Check(`2026-01-31${time}`), time)
  const wrong = [
    'T24:00:00Z',
    'T12:60:00Z',
    'T12:00:60Z',
    'T12:00:00',
    'T12:00:00+24:00',
    ' ',
    '\n',
  ]
  for (const time of wrong) assert.ok(!schema.Check(`2026-01-31${time}`), time)
})
