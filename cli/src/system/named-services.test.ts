import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_SERVICES, namedServices } from './named-services.ts'

test('a command without a service means all, and a service that is named twice counts once', () => {
  assert.deepEqual(namedServices([]), ALL_SERVICES)
  assert.deepEqual(namedServices(['wallets', 'orders', 'wallets']), ['wallets', 'orders'])
  assert.throws(() => namedServices(['wallets', 'nosuch']), /unknown service "nosuch"/)
})
