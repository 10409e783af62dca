import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryAfterMs } from './retry-after.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')

test('Retry-After is a number of seconds or an HTTP date, a day at most (RFC 9110)', () => {
  assert.equal(retryAfterMs('3', NOW), 3_000)
  assert.equal(retryAfterMs(' 3 ', NOW), 3_000)
  assert.equal(retryAfterMs('Sun, 01 Mar 2026 12:01:00 GMT', NOW), 60_000)
  assert.equal(retryAfterMs('999999999', NOW), 86_400_000)
})

test('a Retry-After that is no time of the future is ignored', () => {
  const headers = ['', 'soon', '-1', '0', '1.5.', 'Sun, 01 Mar 2026 11:59:59 GMT', null, ['1']]
  for (const header of headers) assert.equal(retryAfterMs(header, NOW), null, String(header))
})
