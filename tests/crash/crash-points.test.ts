import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { startCrashSystem } from './points/crash-system.ts'
import { killAtBoundaries } from './points/kill-at-boundaries.ts'
import type { ServicePoints } from './points/service-points.ts'

/** A part of those at which `npm run test:crash` kills: where most is under way. */
const POINTS: ServicePoints = {
  orders: ['payments.finalized.before'],
  wallets: ['payments.requested.before', 'append.after', 'postings.requested.after'],
  payments: ['payment-requests.after', 'payments.results.before', 'psp.facts.before'],
  processor: ['pay.after', 'refund.after', 'verdicts.after', 'callbacks.after', 'facts.before'],
  notifications: ['push.after', 'positions.after'],
}

test('P9: kill -9 at boundaries of steps loses and doubles nothing', SLOW, async (t) => {
  assert.deepEqual(await killAtBoundaries(t, await startCrashSystem(t), POINTS), [])
})
