import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { watchPeers } from './watch-peers.ts'

test('a service that fails is logged once, each half minute, and when it answers again', () => {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const logger = createLogger({ service: 'api-gateway', destination })
  let nowMs = 0
  const watch = watchPeers({ logger, metrics: createMetrics('api-gateway'), now: () => nowMs })
  const logged = () =>
    lines.splice(0).map((line) => {
      const { message, failed_requests: count } = JSON.parse(line) as Record<string, unknown>
      return [message, count]
    })
  for (; nowMs < 30_000; nowMs += 1_000) {
    watch.failed('wallets', { code: 'ANSWERED_503' })
    watch.answered('wallets')
  }
  assert.deepEqual(logged(), [['a service behind the gateway fails', undefined]])
  watch.failed('wallets', { code: 'ANSWERED_503' })
  assert.deepEqual(logged(), [['a service behind the gateway still fails', 31]])
  nowMs += 4_999
  watch.answered('wallets')
  assert.deepEqual(logged(), [])
  nowMs += 1
  watch.answered('wallets')
  watch.answered('wallets')
  assert.deepEqual(logged(), [['a service behind the gateway answers again', 31]])
})
