import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOGUE } from '@caudal/contracts/catalogue.ts'
import { createParser } from '@caudal/contracts/parse-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { LogRecord } from './event-log.ts'
import { route, type Router } from './router.ts'

const orderBy = { [TOPICS.users]: ['account_id'] } as const
/** Reads any `user.created` of this release, whatever its other members. */
const parse = createParser({ 'user.created': { ...CATALOGUE['user.created'], schema: {} } })

function recordOf(event: object, headers: Record<string, string> = {}): LogRecord {
  const value = JSON.stringify(event)
  return { topic: TOPICS.users, partition: 0, offset: 0n, key: 'k', value, headers }
}

function routerOf(handle: () => string): Router<string> {
  return { handlers: { 'user.created': handle }, orderBy, group: 'wallets', parse }
}

test('rule 11: an event that its handler fails on is parked, and waits if it is newer', () => {
  const router = routerOf(() => {
    throw new RangeError('out of range')
  })
  const cause = 'the handler failed: out of range'
  for (const [schema_version, as] of [
    ['1.1.0', 'unprocessable'],
    ['1.1.9', 'newer'],
  ] as const) {
    const event = { event_type: 'user.created', account_id: 'a', schema_version }
    assert.deepEqual(route(router, recordOf(event)), { kind: 'parked', as, orderKey: 'a', cause })
  }
})

test('the consumers of a record are read with and without spaces', () => {
  const router = routerOf(() => 'work')
  for (const [consumers, kind] of [
    ['audit,wallets', 'parked'],
    ['audit, wallets', 'parked'],
    ['audit', 'skipped'],
    ['', 'skipped'],
  ] as const) {
    const record = recordOf({ event_type: 'user.renamed' }, { consumers })
    assert.equal(route(router, record).kind, kind, consumers)
  }
})
