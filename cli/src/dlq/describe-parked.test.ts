import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ParkedDetails } from '@caudal/event-log/parked-list.ts'
import { detailLines, detailsJson } from './describe-parked.ts'

const DETAILS: ParkedDetails = {
  source: '',
  topic: 'payments.requested',
  partition: 0,
  offset: 7n,
  key: 'p1',
  recordKey: 'local:user',
  kind: 'unprocessable',
  cause: 'the value is not JSON',
  attempts: 1,
  parkedAt: new Date(0),
  nextAttemptAt: new Date(0),
  resolvedAt: undefined,
  resolution: undefined,
  behind: 0,
  headers: {},
  value: '',
  actions: [],
}

/** How both forms of the command show a value. */
function shown(value: string): string {
  const details = { ...DETAILS, value }
  const text = detailLines('processor', details).find((line) => line.startsWith('  value'))!
  const json = JSON.stringify(detailsJson('processor', details))
  assert.ok(json.includes(JSON.stringify(text.slice('  value     '.length))), json)
  return text.slice('  value     '.length)
}

test('F10: account numbers of a parked record are shown by their last four characters', () => {
  const cases: [string, string][] = [
    ['{"service_account_number":"1234567890"}', '{"service_account_number":"****7890"}'],
    ['{"account_number": "a\\"1234567890"}', '{"account_number": "****7890"}'],
    // A record may be parked because it is not what it should be.
    ['{"account_number":1234567890}', '{"account_number":****7890}'],
    ['{"source_account_number":"1234567890', '{"source_account_number":"****7890'],
  ]
  for (const [value, expected] of cases) assert.equal(shown(value), expected)
})

test('F10: card numbers in a parked record are masked', () => {
  const id = '4bf92f35-77b3-4da6-a3ce-929d0e0e4736'
  assert.equal(
    shown(`{"payment_id":"${id}","message":"card 4111 1111 1111 1111"}`),
    `{"payment_id":"${id}","message":"card **** **** **** 1111"}`,
  )
})
