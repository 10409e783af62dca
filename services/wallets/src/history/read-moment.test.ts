import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAsOf } from './read-moment.ts'

test('E4: a time is answered in UTC, with the digits that were sent', () => {
  for (const [sent, shown] of [
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['2026-01-31t12:00:00.250z', '2026-01-31T12:00:00.250Z'],
    ['2026-01-31T05:29:59+05:30', '2026-01-30T23:59:59Z'],
    ['2026-01-31T23:00:00.123456-01:00', '2026-02-01T00:00:00.123456Z'],
    ['2026-01-31T12:00:00.5+00:00', '2026-01-31T12:00:00.5Z'],
  ] as const) {
    assert.equal(readAsOf(sent, 'booking').shown, shown)
    assert.deepEqual(readAsOf(shown, 'booking'), readAsOf(sent, 'booking'), 'it is the same time')
  }
})

test('E4: by value a time is its day in UTC, and a day itself', () => {
  for (const sent of ['2026-01-30', '2026-01-31T05:29:59+05:30']) {
    const expected = { asOf: { by: 'value', day: '2026-01-30' }, shown: '2026-01-30' }
    assert.deepEqual(readAsOf(sent, 'value'), expected)
  }
})

test('E4: a time whose day in UTC is beyond the first or the last day is refused by value', () => {
  for (const sent of ['1970-01-01T00:00:00+14:00', '9998-12-31T23:59:59-00:01']) {
    assert.throws(() => readAsOf(sent, 'value'), /as_of is not a date/)
  }
})
