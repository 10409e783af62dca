import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRecordId } from '@caudal/event-log/format-record-id.ts'
import { parseRecordId } from './record-id.ts'

test('the id of a parked record names its service, topic, partition and offset', () => {
  for (const id of ['wallets:payments.results:3:1042', 'wallets@north:payments.results:0:0']) {
    const { service, place } = parseRecordId(id, ['wallets'])
    assert.equal(formatRecordId(service, place), id)
  }
})

test('an id of another form or of an unknown service is wrong usage', () => {
  for (const id of ['', 'wallets', 'wallets:topic:x:1', 'wallets:topic:1:-1', 'bank:topic:1:1']) {
    assert.throws(() => parseRecordId(id, ['wallets']), { code: 'USAGE' })
  }
})
