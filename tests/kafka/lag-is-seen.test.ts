import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { consume } from '@caudal/event-log/consume.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { startKafka } from '../../tools/kafka/start-kafka.ts'
import { createEffectsFixture } from './support/effects-fixture.ts'

const DESCRIBE = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'

test("P13: the lag of the service's offsets is a metric, and Kafka's own tool shows it", async (t) => {
  const kafka = await startKafka()
  t.after(() => kafka.stop())
  const fixture = await createEffectsFixture(t, kafka)
  const metrics = createMetrics('test')
  let applied = 0
  let open = true
  const consumer = await consume({
    log: fixture.log,
    db: fixture.db,
    group: 'lagging',
    topics: [fixture.topic],
    handlers: { 'user.created': (incoming: IncomingEvent<UserCreated>) => incoming },
    orderBy: { [fixture.topic]: ['account_id'] },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    capacity: () => (open ? 1_000 : 0),
    process: async (_tx, events) => ({
      outcomes: [],
      // Before the commit the position is still the old one, and the lag would include the batch.
      afterCommit: () => (applied += events.length),
    }),
  })
  t.after(() => consumer.stop())
  await fixture.append(200)
  await eventually(() => applied === 200)
  open = false
  // A read that began before the capacity ended still returns records.
  await fixture.append(1)
  await eventually(async () => {
    await fixture.append(1)
    return (await lagIn(metrics.text())) > 0
  })
  await fixture.append(30)
  const lag = await lagIn(metrics.text())
  assert.ok(lag >= 30)
  await eventually(
    async () => {
      const args = ['--bootstrap-server', kafka.brokers.join(','), '--group', 'lagging']
      assert.equal(lagOf(await kafka.tool(DESCRIBE, [...args, '--describe'])), lag)
      return true
    },
    { timeoutMs: 60_000, label: "Kafka's own tool shows the same lag" },
  )
})

async function lagIn(text: Promise<string>): Promise<number> {
  return Number(/^consumer_lag_records\{.*\} (\d+)$/m.exec(await text)?.[1] ?? 0)
}

/** GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG …, a line for each partition. */
function lagOf(table: string): number {
  const lines = table.split('\n').filter((line) => line.startsWith('lagging'))
  assert.equal(lines.length, 12)
  return lines.reduce((sum, line) => sum + Number(line.split(/\s+/)[5]), 0)
}
