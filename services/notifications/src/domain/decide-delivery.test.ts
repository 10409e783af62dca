import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  deliveryRetryDelayMs,
  decideDelivery,
  type DeliveryDecision,
  endExpired,
  postpone,
  type PushOutcome,
} from './decide-delivery.ts'
import type { SettledStatus } from './notification.ts'

const HOUR_MS = 60 * 60_000
const JITTER = 1

type Given = { failures?: number; ageMs?: number; settled?: SettledStatus[] }

/** given(a notification).when(answers of devices).then(the decision) */
function given({ failures = 0, ageMs = 0, settled = [] }: Given) {
  const notification = {
    failures,
    finalizedAtMs: 0,
    takenAtMs: ageMs,
    settled: new Map(settled.map((status, index) => [`settled-${index}`, status])),
  }
  return {
    when(...outcomes: PushOutcome[]) {
      const devices = outcomes.map((outcome, index) => ({
        device: { deviceId: `device-${index}`, platform: 'ios' as const, token: `${index}` },
        outcome,
      }))
      return expecting(decideDelivery(notification, devices, JITTER))
    },
    whenPostponed: (shutForMs: number) =>
      expecting(postpone(notification, { shutForMs, detail: 'down' }, JITTER)),
    whenGivenUp: () => expecting(endExpired(notification)),
  }
}

function expecting(decision: DeliveryDecision) {
  return {
    then: (expected: Partial<DeliveryDecision>) =>
      assert.partialDeepStrictEqual(decision, expected),
  }
}

const delivered: PushOutcome = { kind: 'delivered' }
const dead: PushOutcome = { kind: 'dead_device', error: 'UNREGISTERED' }
const rejected: PushOutcome = { kind: 'rejected', error: 'INVALID_ARGUMENT' }
const retry: PushOutcome = { kind: 'retry', error: 'HTTP_500' }

test('P6: a user without a device gets no notification', () => {
  given({}).when().then({ status: 'NO_DEVICE', retryInMs: null, failures: 0, detail: null })
})

test('P6: a notification that a device received is SENT', () => {
  given({}).when(delivered).then({ status: 'SENT', retryInMs: null, detail: null })
})

test('P6: one delivery is enough if the other device is dead or refused', () => {
  given({}).when(dead, delivered).then({ status: 'SENT' })
  given({}).when(delivered, rejected).then({ status: 'SENT' })
})

test('P6: a reachable device is retried although another device received the notification', () => {
  given({})
    .when(delivered, retry)
    .then({ status: 'PENDING', retryInMs: 500, failures: 1, detail: 'HTTP_500' })
})

test('P6: a delivery of an earlier try counts if the other device is dead', () => {
  given({ failures: 1, settled: ['DELIVERED'] })
    .when(dead)
    .then({ status: 'SENT', failures: 1 })
  given({ failures: 1, settled: ['DELIVERED'] })
    .when(rejected)
    .then({ status: 'SENT' })
  given({ failures: 1, settled: ['DELIVERED'] })
    .when()
    .then({ status: 'SENT' })
})

test('P6: a user with dead tokens only has no device', () => {
  given({}).when(dead, dead).then({ status: 'NO_DEVICE', detail: 'UNREGISTERED' })
  given({ settled: ['DEAD_DEVICE'] })
    .when()
    .then({ status: 'NO_DEVICE' })
})

test('P6: a refused notification is FAILED with the error of the push service', () => {
  given({}).when(dead, rejected).then({ status: 'FAILED', detail: 'INVALID_ARGUMENT' })
  given({ settled: ['REJECTED'] })
    .when(dead)
    .then({ status: 'FAILED' })
})

test('F13: waits grow with the failures, up to two minutes', () => {
  given({ failures: 3 }).when(retry).then({ retryInMs: 4_000, failures: 4 })
  given({ failures: 500 }).when(retry).then({ retryInMs: 120_000, failures: 501 })
})

test('F13: Retry-After of a push service is honoured, up to an hour', () => {
  const later = (afterMs: number): PushOutcome => ({ kind: 'retry', error: 'HTTP_429', afterMs })
  given({}).when(later(30_000)).then({ retryInMs: 30_000 })
  given({}).when(later(1)).then({ retryInMs: 500 })
  given({}).when(later(1e15)).then({ retryInMs: HOUR_MS })
})

test('rule 12: a notification is retried for hours and ends after a day', () => {
  given({ failures: 400, ageMs: 23 * HOUR_MS })
    .when(retry)
    .then({ status: 'PENDING' })
  given({ failures: 900, ageMs: 24 * HOUR_MS })
    .when(retry)
    .then({ status: 'FAILED', failures: 901, detail: 'HTTP_500' })
  given({ ageMs: 24 * HOUR_MS })
    .when(retry, delivered)
    .then({ status: 'SENT' })
})

test('P6: an outage of identity does not count as a failure of a notification', () => {
  given({ failures: 2 })
    .whenPostponed(1_234.5)
    .then({ status: 'PENDING', retryInMs: 1_235, failures: 2, detail: 'down' })
})

test('P6: the waits grow for a tenant that identity refuses', () => {
  given({ failures: 2 }).whenPostponed(0).then({ status: 'PENDING', retryInMs: 2_000, failures: 3 })
})

test('rule 12: an expired notification ends with the outcome that is known', () => {
  given({}).whenGivenUp().then({ status: 'TOO_OLD' })
  given({ failures: 1 }).whenGivenUp().then({ status: 'FAILED' })
  given({ settled: ['DELIVERED', 'REJECTED'] })
    .whenGivenUp()
    .then({ status: 'SENT' })
})

const outcome = fc.oneof(
  fc.constant(delivered),
  fc.constant(dead),
  fc.constant(rejected),
  fc.record({ kind: fc.constant('retry' as const), error: fc.constant('x'), afterMs: fc.nat() }),
)
const settledStatus = fc.constantFrom<SettledStatus>('DELIVERED', 'DEAD_DEVICE', 'REJECTED')

test('P6: a notification is SENT only after a delivery, and open only while one is possible', () => {
  fc.assert(
    fc.property(
      fc.array(outcome),
      fc.array(settledStatus),
      fc.nat(30 * HOUR_MS),
      (outcomes, settled, ageMs) => {
        const got = settled.includes('DELIVERED') || outcomes.some((it) => it.kind === 'delivered')
        const open = outcomes.some((it) => it.kind === 'retry')
        const notification = {
          failures: 0,
          finalizedAtMs: 0,
          takenAtMs: ageMs,
          settled: new Map(settled.map((status, index) => [`${index}`, status])),
        }
        const device = { deviceId: 'd', platform: 'ios' as const, token: 't' }
        const tried = outcomes.map((it) => ({ device, outcome: it }))
        const { status, retryInMs } = decideDelivery(notification, tried, JITTER)
        if (status === 'SENT') assert.ok(got)
        if (status === 'NO_DEVICE' || status === 'FAILED') assert.ok(!got)
        if (status === 'PENDING') assert.ok(open)
        assert.equal(status === 'PENDING', retryInMs !== null)
      },
    ),
  )
})

test('F13: the jitter shortens a wait by at most half', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (failures, jitter) => {
      const most = deliveryRetryDelayMs(failures, 1)
      const waitMs = deliveryRetryDelayMs(failures, jitter)
      assert.ok(waitMs >= most / 2 && waitMs <= most && most <= 120_000)
    }),
  )
})
