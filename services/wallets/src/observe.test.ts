import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { createObserver } from './observe.ts'

test('P4: metrics start at 0 for each reason', async () => {
  const metrics = createMetrics('wallets')
  createObserver({ logger: createLogger({ service: 'wallets', level: 'silent' }), metrics })
  const text = await metrics.text()
  assert.match(text, /^funds_reserved_total\{[^}]*\} 0$/m)
  assert.match(text, /^debits_confirmed_total\{[^}]*\} 0$/m)
  for (const reason of ['insufficient_funds', 'account_frozen', 'account_not_found']) {
    assert.match(text, new RegExp(`^funds_insufficient_total\\{reason="${reason}"[^}]*\\} 0$`, 'm'))
  }
})
