import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from './logger.ts'
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

test('a gauge that cannot be read is absent and not old, and the other metrics are there', async () => {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const metrics = createMetrics('payments', {
    logger: createLogger({ service: 'payments', destination }),
  })
  let isDown = false
  metrics.counter('done_total', 'Done.').inc()
  metrics.gauge('waiting', 'Waiting.', [], async (gauge) => {
    await Promise.resolve()
    if (isDown) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    gauge.set(7)
  })
  metrics.gauge('waiting_by_kind', 'Waiting.', ['kind'], (gauge) => {
    if (isDown) throw new Error('unknown')
    gauge.set({ kind: 'a' }, 7)
  })
  const before = await metrics.text()
  for (const line of [/^waiting\{.*\} 7$/m, /^waiting_by_kind\{kind="a",.*\} 7$/m]) {
    assert.match(before, line)
  }
  isDown = true
  const during = await metrics.text()
  assert.doesNotMatch(during, /^waiting/m)
  assert.match(during, /^done_total\{.*\} 1$/m)
  assert.equal(lines.length, 2)
  assert.match(lines.join(''), /"gauge":"waiting","message":"could not read a gauge"/)
  isDown = false
  assert.match(await metrics.text(), /^waiting\{.*\} 7$/m)
})

test('a gauge keeps no series of a label that its reading no longer sets', async () => {
  const metrics = createMetrics('payments')
  let kinds = ['a', 'b']
  metrics.gauge('waiting', 'Waiting.', ['kind'], (gauge) => {
    for (const kind of kinds) gauge.set({ kind }, 1)
  })
  assert.match(await metrics.text(), /kind="b"/)
  kinds = ['a']
  assert.doesNotMatch(await metrics.text(), /kind="b"/)
})

test('gauges that are read together have values of the same scrape, whatever their order', async () => {
  const metrics = createMetrics('processor')
  let count = 0
  metrics.gauges(
    [
      { name: 'oldest_seconds', help: 'Oldest.' },
      { name: 'doubts', help: 'Doubts.' },
    ],
    async ([oldest, doubts]) => {
      await Promise.resolve()
      count += 1
      oldest!.set(count)
      doubts!.set(count)
    },
  )
  const [first, again] = await Promise.all([metrics.text(), metrics.text()])
  assert.match(first, /^oldest_seconds\{.*\} 1$/m)
  assert.match(first, /^doubts\{.*\} 1$/m)
  assert.equal(again, first, 'scrapes at once share one reading')
  assert.match(await metrics.text(), /^oldest_seconds\{.*\} 2$/m)
})

test('a gauge whose reading takes too long is absent and does not delay the scrape for ever', async () => {
  const metrics = createMetrics('payments')
  metrics.gauge('waiting', 'Waiting.', [], () => new Promise(() => {}))
  assert.doesNotMatch(await metrics.text(), /^waiting/m)
})

test('a prefix stands before every name, and the version is a metric of its own', async () => {
  const metrics = createMetrics('payments', { prefix: 'shop_' })
  metrics.counter('done_total', 'Done.').inc()
  metrics.gauge('waiting', 'Waiting.', [], (gauge) => gauge.set(1))
  const names = new Set(
    [...(await metrics.text()).matchAll(/^([a-z_0-9]+)[{ ]/gm)].map((it) => it[1]!),
  )
  const others = [...names].filter((name) => !name.startsWith('shop_'))
  assert.deepEqual(others, ['caudal_build_info'])
  for (const name of ['shop_done_total', 'shop_waiting', 'shop_process_cpu_seconds_total']) {
    assert.ok(names.has(name), name)
  }
  assert.match(await metrics.text(), /^caudal_build_info\{version="\d+\.\d+\.\d+",node="24\./m)
})
