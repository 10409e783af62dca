import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('P13: services in one process have separate metrics and share the process metrics', async () => {
  const payments = createMetrics('payments')
  const wallets = createMetrics('wallets')
  payments.counter('things_total', 'Things.', ['kind']).inc({ kind: 'a' })
  wallets.counter('things_total', 'Things.', ['kind']).inc({ kind: 'a' }, 5)
  const text = await payments.text()
  assert.match(text, /things_total\{kind="a",service="payments"\} 1\n/)
  assert.ok(!text.includes('wallets'))
  assert.equal(text.split('# TYPE process_cpu_seconds_total').length, 2)
})

test('declaring a metric twice returns the same one, and a different kind throws', async () => {
  const metrics = createMetrics('payments')
  const first = metrics.histogram('took_seconds', 'Time.', ['step'])
  assert.equal(metrics.histogram('took_seconds', 'Time.', ['step']), first)
  assert.throws(() => metrics.counter('took_seconds', 'Time.'))
  metrics.gauge('waiting', 'Waiting.', [], (gauge) => gauge.set(7))
  assert.match(await metrics.text(), /waiting\{service="payments"\} 7\n/)
})
