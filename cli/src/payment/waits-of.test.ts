import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ServiceWaits, waitLines, waitsOf } from './waits-of.ts'

const CREATED = '2026-03-01T10:00:00.000Z'
const NOW = Date.parse('2026-03-01T10:05:00Z')
const NOTHING: ServiceWaits = { parked: [], next: null }
const parked = {
  record_id: 'wallets:payments.requested:3:7',
  kind: 'unprocessable',
  cause: 'currency is missing',
  attempts: 1,
  parked_at: '2026-03-01T10:01:00.000Z',
  next_attempt_at: null,
}

function waits(
  answers: Record<string, ServiceWaits>,
  { status = 'PENDING', missing = {}, now = NOW } = {},
) {
  return waitsOf({ payment: { status, created_at: CREATED }, answers, missing, now })
}

test('a parked record is named with its cause and the commands that deal with it', () => {
  const found = waits({ wallets: { parked: [{ ...parked, behind: null }], next: null } })
  assert.equal(found.length, 1)
  const [wait] = found
  assert.deepEqual(
    [wait!.service, wait!.reason, wait!.record_id, wait!.cause],
    ['wallets', 'parked', parked.record_id, parked.cause],
  )
  assert.match(wait!.next, /"caudal dlq redrive wallets:payments\.requested:3:7 --reason …"/)
  assert.deepEqual(waitLines(found), [
    `  waits at wallets (parked): ${parked.record_id}: ${parked.cause}`,
    `    next: ${wait!.next}`,
  ])
})

test('a record behind another one names what to do with that one', () => {
  const own = { ...parked, record_id: 'wallets:payments.requested:3:9', kind: 'waiting' }
  const [wait] = waits({ wallets: { parked: [{ ...own, behind: parked }], next: null } })
  assert.equal(wait!.reason, 'behind')
  assert.match(wait!.cause, /:3:7, the first record of its order key, is parked: currency is/)
  assert.match(wait!.next, /dlq show wallets:payments\.requested:3:7"/)
})

test('a record that is tried again by itself names when', () => {
  const at = '2026-03-01T10:06:00.000Z'
  for (const [kind, next] of [
    ['newer', /deploy the release that wrote .* tried again at 2026-03-01T10:06/],
    ['waiting', /is tried again at 2026-03-01T10:06/],
  ] as const) {
    const record = { ...parked, kind, next_attempt_at: at, behind: null }
    assert.match(waits({ payments: { parked: [record], next: null } })[0]!.next, next)
  }
})

test('the next step at the PSP and a service without an answer are named', () => {
  const next = { step: 'psp.query_status', at: '2026-03-01T10:05:02.000Z' }
  const found = waits(
    { processor: { parked: [], next } },
    { status: 'IN_DOUBT', missing: { wallets: 'it answered 503' } },
  )
  assert.deepEqual(
    found.map(({ service, reason }) => [service, reason]),
    [
      ['processor', 'next_step'],
      ['wallets', 'no_answer'],
    ],
  )
  assert.equal(found[0]!.next, 'the PSP is asked for the outcome at 2026-03-01T10:05:02.000Z')
})

test('an old payment for which nothing is found is never called fine', () => {
  assert.deepEqual(waits({ wallets: NOTHING }, { now: Date.parse(CREATED) + 5_000 }), [])
  const [wait] = waits({ wallets: NOTHING })
  assert.deepEqual([wait!.service, wait!.reason], [null, 'unknown'])
})

test('of a payment that has ended only what is parked is named', () => {
  const record = { ...parked, behind: null }
  const missing = { wallets: 'it answered 503' }
  const done = { status: 'COMPLETED', missing }
  assert.deepEqual(waits({ processor: NOTHING }, done), [])
  const [wait, ...others] = waits({ notifications: { parked: [record], next: null } }, done)
  assert.deepEqual([wait!.service, others], ['notifications', []])
})
